// SPDX-License-Identifier: GPL-3.0-or-later
// SVG as an image (it runs nothing and loads nothing so), and its source.

import { make } from '../../dom.js';
import { picture } from '../picture.js';
import { with_source } from '../tabs.js';

export default async function render(file, place) {
  const image = await picture(new Blob([await file.whole(16 << 20)], { type: 'image/svg+xml' }), file.name);
  with_source(file, place, make('div', { class: 'picture', tabindex: 0, role: 'region', 'aria-label': file.name }, image));
}
