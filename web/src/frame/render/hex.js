// SPDX-License-Identifier: GPL-3.0-or-later
// Anything else: its first bytes, as numbers and as letters.

import { make } from '../../dom.js';
import { size_text, texts } from '../../texts.js';

const shown_max = 1024;

export default async function render(file, place, { plain } = {}) {
  const bytes = file.first.subarray(0, shown_max);
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const numbers = part.map((each) => each.toString(16).padStart(2, '0')).join(' ').padEnd(47);
    const letters = part.map((each) => (each >= 0x20 && each < 0x7f ? String.fromCharCode(each) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${numbers}  ${letters}`);
  }
  if (!plain) place.append(make('p', { class: 'note' }, texts.no_renderer));
  place.append(make('pre', { class: 'hex', tabindex: 0 }, lines.join('\n')), make('p', { class: 'small' }, texts.first_bytes(size_text(bytes.length), size_text(file.size))));
}
