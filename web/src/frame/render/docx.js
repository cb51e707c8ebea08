// SPDX-License-Identifier: GPL-3.0-or-later
import mammoth from 'mammoth';
import { make } from '../../dom.js';
import { clean_fragment } from '../clean.js';
import { refuse_bombs } from '../unpacked.js';

export default async function render(file, place) {
  const bytes = await file.whole(32 << 20);
  refuse_bombs(bytes);
  const arrayBuffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  // Links to files beside the document are not followed.
  const { value } = await mammoth.convertToHtml({ arrayBuffer }, { externalFileAccess: false });
  place.append(make('article', { class: 'prose sheet-of-paper' }, clean_fragment(value)));
}
