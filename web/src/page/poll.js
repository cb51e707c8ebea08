// SPDX-License-Identifier: GPL-3.0-or-later
// Asks for the list of files again and again: every two seconds while somebody looks, rarely while nobody does, and ever more slowly while
// there is no answer.

import { Refusal } from './api.js';

const seen_ms = 2000;
const hidden_ms = 15_000;
const failed_ms_max = 30_000;

export class Poll {
  #api;
  #hear;
  #timer = 0;
  #etag = '';
  #failures = 0;
  #running = false;
  #again = false;
  #stopped = false;

  /** hear.files(list), hear.refused(refusal), hear.lost(), hear.back(); after a 401 it stops by itself. */
  constructor(api, hear) {
    this.#api = api;
    this.#hear = hear;
    document.addEventListener('visibilitychange', () => !document.hidden && this.now());
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async now() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#stopped) return;
    this.#running = true;
    clearTimeout(this.#timer);
    let wait = document.hidden ? hidden_ms : seen_ms;
    try {
      const answer = await this.#api.manifest(this.#etag);
      if (this.#failures) this.#hear.back();
      this.#failures = 0;
      if (answer && !this.#stopped) {
        this.#etag = answer.etag;
        this.#hear.files(answer.files);
      }
    } catch (error) {
      this.#failures += 1;
      wait = Math.min(failed_ms_max, seen_ms * 2 ** this.#failures);
      if (error instanceof Refusal) {
        wait = Math.max(wait, error.retry_after * 1000);
        if (error.status === 401) this.stop();
        this.#hear.refused(error);
      } else {
        this.#hear.lost();
      }
    }
    this.#running = false;
    if (this.#stopped) return;
    if (this.#again) wait = 0;
    this.#again = false;
    this.#timer = setTimeout(() => this.now(), wait);
  }
}
