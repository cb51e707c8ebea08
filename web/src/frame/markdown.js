// SPDX-License-Identifier: GPL-3.0-or-later
// Markdown to a harmless fragment, its code coloured.

import { marked } from 'marked';
import { clean_fragment } from './clean.js';
import { highlight, known_language } from './highlight.js';

export function markdown(text) {
  // The language of a block is a class in the markup, and classes do not survive the cleaning: it is kept beside.
  const blocks = [];
  const renderer = new marked.Renderer();
  renderer.code = ({ text: code, lang }) => {
    blocks.push({ code, language: known_language((lang ?? '').split(/\s/)[0].toLowerCase()) });
    return '<pre><code></code></pre>\n';
  };
  renderer.checkbox = ({ checked }) => (checked ? '☑ ' : '☐ ');
  const fragment = clean_fragment(marked.parse(text.replace(/^---\n[\s\S]*?\n---\n/, ''), { gfm: true, async: false, renderer }));
  let index = 0;
  for (const element of fragment.querySelectorAll('pre > code')) {
    if (element.textContent !== '') continue;
    const block = blocks[index];
    index += 1;
    if (!block) break;
    element.append(block.language ? highlight(block.code, block.language) : block.code);
    element.parentElement.setAttribute('tabindex', '0');
  }
  return fragment;
}
