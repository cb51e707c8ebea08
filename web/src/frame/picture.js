// SPDX-License-Identifier: GPL-3.0-or-later
import { make } from '../dom.js';
import { texts } from '../texts.js';
import { Shown } from './shown.js';

/** An image element that has loaded. As an image, SVG runs no script and loads nothing. */
export async function picture(blob, words) {
  const image = make('img', { alt: words, src: URL.createObjectURL(blob) });
  await image.decode().catch(() => {
    throw new Shown(texts.cannot_show_image, { with_bytes: true });
  });
  return image;
}
