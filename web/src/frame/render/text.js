// SPDX-License-Identifier: GPL-3.0-or-later
// Text and code, a megabyte at a time. Highlighted while that is quick; without beyond it.

import { make } from '../../dom.js';
import { size_text, texts } from '../../texts.js';
import { TextPieces } from '../decode.js';
import { highlight, language_of } from '../highlight.js';

const highlighted_max = 300_000;

export default async function render(file, place) {
  const pieces = new TextPieces(file);
  const code = make('code', {});
  const numbers = make('span', { class: 'numbers', 'aria-hidden': 'true' });
  place.append(make('div', { class: 'listing', tabindex: 0, role: 'region', 'aria-label': file.name }, numbers, make('pre', {}, code)));
  let lines = 0;
  const add = async () => {
    const text = await pieces.next();
    const language = language_of(file.name);
    if (lines === 0 && language && text.length <= highlighted_max) code.append(highlight(text, language));
    else code.append(text);
    const count = text.split('\n').length - (lines === 0 && !text.endsWith('\n') ? 0 : 1);
    numbers.append(Array.from({ length: count }, (_, index) => `${lines + index + 1}\n`).join(''));
    lines += count;
  };
  await add();
  if (pieces.done) return;
  const button = make('button', { type: 'button', class: 'more' });
  const label = () => (button.textContent = texts.more_text(size_text(pieces.at), size_text(file.size)));
  button.addEventListener('click', async () => {
    button.disabled = true;
    await add();
    button.disabled = false;
    if (pieces.done) button.remove();
    else label();
  });
  label();
  place.append(button);
}
