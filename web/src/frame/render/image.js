// SPDX-License-Identifier: GPL-3.0-or-later
import { make } from '../../dom.js';
import { texts } from '../../texts.js';
import { picture } from '../picture.js';

export default async function render(file, place, { type }) {
  const image = await picture(new Blob([await file.whole()], { type }), file.name);
  const facts = make('span', { class: 'small' }, texts.image_size(image.naturalWidth, image.naturalHeight));
  const button = make('button', { type: 'button', 'aria-pressed': 'false' }, texts.actual_size);
  button.addEventListener('click', () => {
    const actual = place.classList.toggle('actual');
    button.setAttribute('aria-pressed', String(actual));
  });
  place.append(make('div', { class: 'bar' }, facts, button), make('div', { class: 'picture', tabindex: 0, role: 'region', 'aria-label': file.name }, image));
}
