// SPDX-License-Identifier: GPL-3.0-or-later
// HTML of strangers: cleaned, and shown in a further frame that runs no script at all and inherits this one's policy, so that even what the
// cleaning missed can load and send nothing.

import { make } from '../../dom.js';
import { texts } from '../../texts.js';
import { clean_document } from '../clean.js';
import { whole_text } from '../decode.js';
import { with_source } from '../tabs.js';

export default async function render(file, place) {
  const inner = make('iframe', { sandbox: '', title: file.name, class: 'inner', referrerpolicy: 'no-referrer' });
  inner.srcdoc = clean_document(await whole_text(file, 8 << 20));
  await with_source(file, place, inner, [make('span', { class: 'small' }, texts.html_note)]);
}
