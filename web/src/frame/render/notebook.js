// SPDX-License-Identifier: GPL-3.0-or-later
// Jupyter notebooks: cells, and of their outputs what can be shown without running anything.

import { make } from '../../dom.js';
import { texts } from '../../texts.js';
import { clean_fragment } from '../clean.js';
import { whole_text } from '../decode.js';
import { highlight, known_language } from '../highlight.js';
import { markdown } from '../markdown.js';
import { picture } from '../picture.js';

const joined = (text) => (Array.isArray(text) ? text.join('') : String(text ?? ''));
const without_colours = (text) => text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
const images = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

async function shown_data(data) {
  for (const type of images) {
    if (!data[type]) continue;
    const bytes = Uint8Array.from(atob(joined(data[type]).replace(/\s/g, '')), (each) => each.charCodeAt(0));
    return picture(new Blob([bytes], { type }), 'output').catch(() => make('p', { class: 'note' }, texts.output_dropped(type)));
  }
  if (data['image/svg+xml']) return picture(new Blob([joined(data['image/svg+xml'])], { type: 'image/svg+xml' }), 'output');
  if (data['text/html']) return make('div', { class: 'prose' }, clean_fragment(joined(data['text/html'])));
  if (data['text/markdown']) return make('div', { class: 'prose' }, markdown(joined(data['text/markdown'])));
  if (data['text/plain']) return make('pre', { tabindex: 0 }, without_colours(joined(data['text/plain'])));
  return make('p', { class: 'note' }, texts.output_dropped(Object.keys(data)[0] ?? '?'));
}

async function output_view(output) {
  if (output.output_type === 'stream') return make('pre', { class: output.name === 'stderr' ? 'error' : '', tabindex: 0 }, without_colours(joined(output.text)));
  if (output.output_type === 'error') return make('pre', { class: 'error', tabindex: 0 }, without_colours(joined((output.traceback ?? []).join('\n'))));
  return shown_data(output.data ?? {});
}

async function cell_view(cell, language) {
  const text = joined(cell.source);
  if (cell.cell_type === 'markdown') return make('section', { class: 'cell prose' }, markdown(text));
  if (cell.cell_type !== 'code') return make('section', { class: 'cell' }, make('pre', { tabindex: 0 }, text));
  const outputs = [];
  for (const each of cell.outputs ?? []) outputs.push(await output_view(each));
  const number = cell.execution_count ?? ' ';
  return make('section', { class: 'cell code' },
    make('p', { class: 'prompt' }, texts.cell_in(number)),
    make('pre', { tabindex: 0 }, make('code', {}, language ? highlight(text, language) : text)),
    outputs.length > 0 && make('p', { class: 'prompt' }, texts.cell_out(number)),
    make('div', { class: 'outputs' }, ...outputs));
}

export default async function render(file, place) {
  const notebook = JSON.parse(await whole_text(file, 32 << 20));
  const language = known_language(String(notebook.metadata?.kernelspec?.language ?? notebook.metadata?.language_info?.name ?? 'python').toLowerCase());
  const cells = notebook.cells ?? notebook.worksheets?.[0]?.cells;
  for (const cell of cells.slice(0, 2000)) place.append(await cell_view(cell, language));
}
