// SPDX-License-Identifier: GPL-3.0-or-later
import { make } from '../../dom.js';
import { whole_text } from '../decode.js';
import { markdown } from '../markdown.js';

export default async function render(file, place) {
  place.append(make('article', { class: 'prose' }, markdown(await whole_text(file, 4 << 20))));
}
