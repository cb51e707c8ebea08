// SPDX-License-Identifier: GPL-3.0-or-later
// Shows one file in the closed frame. Each file gets a frame of its own, so that nothing of one file meets another; bytes go in by a message
// port, and what comes out of it is a handful of words that are checked here. The page has no other ear for it: no window message is heard, so
// a flood of them reaches nobody (T-29).

import { make } from '../dom.js';
import { texts } from '../texts.js';
import { Refusal } from './api.js';

export const first_bytes = 1 << 20;
const whole_bytes_max = 128 << 20;   // the most of one file that goes into a frame at once
const frame_bytes_max = 512 << 20;   // and in all
const requests_max = 2000;

export class Preview {
  #api;
  #place;
  #say;
  #left;
  #shown = null;

  /** `place` holds the frame; `say(text)` is for screen readers; `left()` when the reader leaves the frame by Escape. */
  constructor(api, place, say, left) {
    this.#api = api;
    this.#place = place;
    this.#say = say;
    this.#left = left;
  }

  close(words = texts.nothing_chosen) {
    this.#end();
    this.#place.replaceChildren(make('p', { class: 'note' }, words));
  }

  #end() {
    this.#shown?.port?.close();
    this.#shown?.frame?.remove();
    this.#shown = null;
  }

  async open(entry) {
    this.#end();
    const shown = { path: entry.path, etag: entry.etag, given: 0, requests: 0, size: entry.size };
    this.#shown = shown;
    this.#place.replaceChildren(make('p', { class: 'note', role: 'status' }, texts.loading));
    try {
      // An empty file has no range that could be asked for.
      const first = entry.size === 0 && entry.etag ? { bytes: new ArrayBuffer(0), size: 0 } : await this.#api.bytes(entry.path, 0, first_bytes - 1);
      if (this.#shown !== shown) return;
      shown.size = first.size;
      if (first.etag) shown.etag = first.etag;
      await this.#into_frame(shown, entry, first.bytes);
    } catch (error) {
      if (this.#shown === shown) this.close(error instanceof Refusal ? error.words : texts.connection_lost);
      if (error instanceof Refusal && error.status === 401) throw error;
    }
  }

  async #into_frame(shown, entry, bytes) {
    const frame = make('iframe', { sandbox: 'allow-scripts', src: '/frame', title: entry.path, referrerpolicy: 'no-referrer', allow: 'fullscreen' });
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
    shown.frame = frame;
    this.#place.replaceChildren(frame);
    await loaded;
    if (this.#shown !== shown) return;
    const { port1, port2 } = new MessageChannel();
    shown.port = port1;
    port1.onmessage = (event) => this.#heard(shown, event.data);
    // The frame's origin is nobody's, so no target can be named; the port goes to the window that was just made and to nobody else.
    frame.contentWindow.postMessage('port', '*', [port2]);
    shown.given += bytes.byteLength;
    port1.postMessage(
      { type: 'open', name: entry.path.split('/').at(-1), size: shown.size, media_type: String(entry.media_type ?? ''), whole_bytes_max, bytes }, [bytes]);
  }

  // Whoever runs in the frame may be an attacker who found a hole in a renderer: only these words mean something, and they are bounded.
  #heard(shown, message) {
    if (this.#shown !== shown || typeof message !== 'object' || message === null) return;
    shown.requests += 1;
    if (shown.requests > requests_max) return this.close(texts.refusals.other);
    if (message.type === 'want') return this.#give(shown, message.from, message.length);
    if (message.type === 'ready') return this.#say(shown.path.split('/').at(-1));
    if (message.type === 'escape') return this.#left();
    return undefined;
  }

  async #give(shown, from, length) {
    const sound = Number.isSafeInteger(from) && Number.isSafeInteger(length) && from >= 0 && length > 0 && length <= whole_bytes_max;
    if (!sound || shown.given + length > frame_bytes_max) return this.#answer(shown, { type: 'refused', from });
    try {
      shown.given += length;
      const got = await this.#api.bytes(shown.path, from, from + length - 1, shown.etag);
      if (this.#shown !== shown) return undefined;
      if (got.changed) return this.open({ path: shown.path, etag: '', size: 0, media_type: '' });
      return this.#answer(shown, { type: 'bytes', from, bytes: got.bytes }, [got.bytes]);
    } catch (error) {
      return this.#answer(shown, { type: 'refused', from });
    }
  }
  #answer(shown, message, transfer = []) {
    if (this.#shown === shown) shown.port.postMessage(message, transfer);
  }

  focus() {
    this.#shown?.frame?.focus();
  }
}
