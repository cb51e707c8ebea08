// SPDX-License-Identifier: GPL-3.0-or-later
// The closed frame: gets one file's bytes by a port, shows them, and has nothing else. Its origin is nobody's, its policy forbids every
// request but for this program's own scripts, and it is thrown away with the file (T-29).

import { make } from '../dom.js';
import { size_text, texts } from '../texts.js';
import { kind_of, renderer } from './kinds.js';
import { Shown } from './shown.js';

class File {
  #port;
  #waiting = new Map();

  constructor(port, { name, size, bytes, whole_bytes_max }) {
    this.#port = port;
    this.name = name;
    this.size = size;
    this.first = new Uint8Array(bytes);
    this.whole_bytes_max = whole_bytes_max;
  }
  heard(message) {
    const waiter = this.#waiting.get(message.from);
    this.#waiting.delete(message.from);
    if (!waiter) return;
    if (message.type === 'bytes') waiter.resolve(new Uint8Array(message.bytes));
    else waiter.reject(new Shown(texts.refusals.other));
  }
  range(from, length) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(from, { resolve, reject });
      this.#port.postMessage({ type: 'want', from, length });
    });
  }
  /** All of it, for those formats that need it. */
  async whole(limit = this.whole_bytes_max) {
    if (this.size > limit) throw new Shown(texts.too_large_here(size_text(limit)));
    if (this.size <= this.first.length) return this.first;
    const rest = await this.range(this.first.length, this.size - this.first.length);
    const all = new Uint8Array(this.first.length + rest.length);
    all.set(this.first);
    all.set(rest, this.first.length);
    return all;
  }
}

async function show(file) {
  const root = document.getElementById('root');
  const { kind, type } = kind_of(file.name, file.first);
  root.dataset.kind = kind;
  root.replaceChildren(make('p', { class: 'note', role: 'status' }, texts.preparing));
  const place = make('div', { class: `kind-${kind}` });
  try {
    if (file.size === 0) throw new Shown(texts.empty_file);
    await (await renderer(kind))(file, place, { kind, type });
    root.replaceChildren(place);
  } catch (error) {
    // What a library says of a stranger's file is for nobody: the first bytes help more.
    const known = error instanceof Shown;
    const note = make('p', { class: 'note', role: 'alert' }, known ? error.message : texts.broken);
    root.dataset.failed = known ? error.message : String(error);
    const bytes = make('div', {});
    if (!known || error.with_bytes) await (await renderer('hex'))(file, bytes, { plain: true });
    root.replaceChildren(note, bytes);
  }
}

window.addEventListener('message', (event) => {
  // Only who made this frame, and only once: then the port is all there is.
  if (event.source !== window.parent || event.ports.length !== 1) return;
  const [port] = event.ports;
  let file;
  port.onmessage = async ({ data }) => {
    if (data.type === 'open' && !file) {
      file = new File(port, data);
      await show(file);
      port.postMessage({ type: 'ready' });
    } else {
      file?.heard(data);
    }
  };
  window.addEventListener('keydown', (key) => key.key === 'Escape' && port.postMessage({ type: 'escape' }));
}, { once: true });
