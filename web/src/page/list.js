// SPDX-License-Identifier: GPL-3.0-or-later
// The list of files: one tree for keyboard, pointer and screen readers. Focus and open folders survive an update.

import { make } from '../dom.js';
import { size_text, texts } from '../texts.js';
import { rows_of } from './tree.js';

const kind_of = (name) => (/\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1] ?? '').toLowerCase();
const colours = {
  pdf: 'red', docx: 'blue', doc: 'blue', md: 'blue', txt: 'grey', log: 'grey', xlsx: 'green', csv: 'green', tsv: 'green', pptx: 'orange',
  zip: 'brown', tar: 'brown', gz: 'brown', tgz: 'brown', png: 'violet', jpg: 'violet', jpeg: 'violet', gif: 'violet', webp: 'violet', svg: 'violet',
  html: 'orange', ipynb: 'orange', mp3: 'pink', wav: 'pink', ogg: 'pink', mp4: 'pink', webm: 'pink',
};

export class FileList {
  #tree;
  #note;
  #choose;
  #files = [];
  #rows = [];
  #elements = new Map();
  #closed = new Set();
  #filter = '';
  #focused = '';
  #selected = '';
  #fresh = new Set();

  constructor(tree, note, choose) {
    this.#tree = tree;
    this.#note = note;
    this.#choose = choose;
    tree.addEventListener('keydown', (event) => this.#key(event));
    tree.addEventListener('click', (event) => this.#click(event));
  }

  show(files, fresh = []) {
    this.#files = files;
    for (const path of fresh) this.#fresh.add(path);
    this.#render();
  }
  filter(text) {
    this.#filter = text;
    this.#render();
  }
  select(path) {
    this.#selected = path;
    if (path) this.#focused = path;
    this.#fresh.delete(path);
    this.#render();
  }
  focus() {
    const row = this.#elements.get(this.#focused) ?? this.#tree.firstElementChild;
    row?.focus();
  }

  #render() {
    const { rows, all, cut } = rows_of(this.#files, { closed: this.#closed, filter: this.#filter });
    const had_focus = this.#tree.contains(document.activeElement);
    this.#rows = rows;
    if (!rows.some((row) => row.path === this.#focused)) this.#focused = rows[0]?.path ?? '';
    this.#elements = new Map(rows.map((row) => [row.path, this.#element(row)]));
    this.#tree.replaceChildren(...this.#elements.values());
    this.#tree.hidden = rows.length === 0;
    this.#note.textContent = rows.length === 0 ? (this.#files.length ? texts.nothing_matches : texts.no_files)
      : cut ? texts.too_many(rows.length, all) : '';
    if (had_focus) this.focus();
  }

  #element(row) {
    const folder = row.kind === 'folder';
    const kind = folder ? '' : kind_of(row.name);
    const shown = row.level === 1 ? texts[row.name] : row.name;
    const element = make('div', {
      role: 'treeitem', class: `row ${row.kind}`, 'data-path': row.path, 'aria-level': row.level, style: undefined,
      'aria-expanded': folder ? String(row.open) : undefined,
      'aria-selected': folder ? undefined : String(row.path === this.#selected),
      tabindex: row.path === this.#focused ? 0 : -1, title: row.path,
    },
    folder ? make('span', { class: 'arrow', 'aria-hidden': 'true' }) : make('span', { class: `kind ${colours[kind] ?? 'grey'}`, 'aria-hidden': 'true' }, kind || '·'),
    make('span', { class: 'name' }, shown),
    this.#fresh.has(row.path) && make('span', { class: 'fresh' }, texts.new_file),
    !folder && make('span', { class: 'size' }, row.entry.downloadable === false ? '–' : size_text(row.entry.size)));
    element.style.setProperty('--level', row.level);
    return element;
  }

  #row(element) {
    const path = element?.closest('[data-path]')?.dataset.path;
    return this.#rows.find((row) => row.path === path);
  }
  #click(event) {
    const row = this.#row(event.target);
    if (row) this.#act(row);
  }
  #act(row) {
    this.#focused = row.path;
    if (row.kind === 'folder') this.#fold(row, row.open);
    else this.#choose(row.path);
  }
  #fold(row, close) {
    if (close) this.#closed.add(row.path);
    else this.#closed.delete(row.path);
    this.#render();
  }
  #go(index) {
    const row = this.#rows[Math.max(0, Math.min(index, this.#rows.length - 1))];
    if (!row) return;
    this.#elements.get(this.#focused)?.setAttribute('tabindex', '-1');
    this.#focused = row.path;
    const element = this.#elements.get(row.path);
    element.setAttribute('tabindex', '0');
    element.focus();
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.#rows.findIndex((row) => row.path === this.#focused);
    const row = this.#rows[at];
    if (!row) return;
    const actions = {
      ArrowDown: () => this.#go(at + 1),
      ArrowUp: () => this.#go(at - 1),
      Home: () => this.#go(0),
      End: () => this.#go(this.#rows.length - 1),
      Enter: () => this.#act(row),
      ' ': () => this.#act(row),
      ArrowRight: () => row.kind === 'folder' && (row.open ? this.#go(at + 1) : this.#fold(row, false)),
      ArrowLeft: () => (row.kind === 'folder' && row.open ? this.#fold(row, true) : this.#go(this.#parent(at))),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }
  #parent(at) {
    for (let index = at - 1; index >= 0; index -= 1) if (this.#rows[index].level < this.#rows[at].level) return index;
    return at;
  }
}
