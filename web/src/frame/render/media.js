// SPDX-License-Identifier: GPL-3.0-or-later
import { make } from '../../dom.js';
import { texts } from '../../texts.js';

export default async function render(file, place, { type }) {
  const url = URL.createObjectURL(new Blob([await file.whole()], { type }));
  const player = make(type.startsWith('video') ? 'video' : 'audio', { controls: true, src: url, 'aria-label': file.name, preload: 'metadata' });
  player.addEventListener('error', () => player.replaceWith(make('p', { class: 'note', role: 'alert' }, texts.cannot_play)));
  place.append(player);
}
