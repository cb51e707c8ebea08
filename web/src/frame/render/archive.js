// SPDX-License-Identifier: GPL-3.0-or-later
// What is in an archive. Nothing is unpacked for that but the outer layer of a compressed tar, and that is bounded.

import { parseTar } from 'nanotar';
import { make } from '../../dom.js';
import { size_text, texts } from '../../texts.js';
import { Shown } from '../shown.js';
import { listed } from '../unpacked.js';

const shown_max = 2000;
const unpacked_bytes_max = 256 << 20;

async function gunzipped(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const pieces = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > unpacked_bytes_max) throw new Shown(texts.unpacks_too_large);
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

async function entries_of(file, { kind, type }) {
  const bytes = await file.whole();
  if (kind === 'zip') return listed(bytes);
  const tar = parseTar(type === 'gzip' ? await gunzipped(bytes) : bytes, { metaOnly: true });
  return tar.map((each) => ({ name: each.name, size: each.size ?? 0 }));
}

export default async function render(file, place, what) {
  const entries = await entries_of(file, what);
  const total = entries.reduce((sum, each) => sum + each.size, 0);
  place.append(make('p', { class: 'small' }, texts.entries(entries.length, size_text(total))));
  const rows = entries.slice(0, shown_max).map((each) => make('tr', {}, make('td', {}, each.name), make('td', { class: 'amount' }, size_text(each.size))));
  place.append(make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': file.name },
    make('table', {}, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, texts.entry_name), make('th', { scope: 'col' }, texts.entry_size))), make('tbody', {}, ...rows))));
  if (entries.length > shown_max) place.append(make('p', { class: 'note' }, texts.entry_list_cut(shown_max)));
}
