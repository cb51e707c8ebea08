// SPDX-License-Identifier: GPL-3.0-or-later
// Uploads: by button, drop or paste, two at a time, each with its progress and its way to stop it.

import { by_id, make } from '../dom.js';
import { size_text, texts } from '../texts.js';
import { download_url, refusal_from } from './api.js';

const at_once = 2;

export class Uploads {
  #api;
  #limit;
  #ask;
  #say;
  #done;
  #exists;
  #waiting = [];
  #running = 0;
  #shelf = by_id('uploads');

  /** `ask(question, yes)` → boolean; `exists(path)`; `done()` after each file that arrived. */
  constructor(api, { limit, ask, say, done, exists }) {
    this.#api = api;
    this.#limit = limit;
    this.#ask = ask;
    this.#say = say;
    this.#done = done;
    this.#exists = exists;
  }

  async add(files) {
    for (const file of files) {
      const path = `uploads/${file.name}`;
      if (this.#limit && file.size > this.#limit) {
        this.#line(file.name, texts.too_large_to_upload(file.name, size_text(this.#limit)), 'failed');
      } else if (!this.#exists(path) || (await this.#ask(texts.replace_question(file.name), texts.replace))) {
        this.#waiting.push({ file, path, ...this.#line(file.name, texts.uploading(file.name, 0), 'running') });
        this.#next();
      }
    }
  }

  /** From a drop: folders are named and left out. */
  async add_dropped(transfer) {
    const files = [];
    for (const item of transfer.items ?? []) {
      if (item.kind !== 'file') continue;
      const entry = item.webkitGetAsEntry?.();
      if (entry?.isDirectory) this.#line(entry.name, texts.no_folders(entry.name), 'failed');
      else files.push(item.getAsFile());
    }
    await this.add(files.filter(Boolean));
  }

  #line(name, words, state) {
    const bar = state === 'running' ? make('progress', { max: 100, value: 0, 'aria-label': name }) : null;
    const label = make('span', { class: 'words' }, words);
    const button = make('button', { type: 'button', class: 'quiet', 'aria-label': `${state === 'running' ? texts.cancel : texts.close}: ${name}` }, '×');
    const line = make('li', { class: state }, label, bar, button);
    button.addEventListener('click', () => line.remove());
    this.#shelf.append(line);
    if (state === 'failed') this.#say(words);
    return { line, bar, label, button };
  }

  #next() {
    while (this.#running < at_once && this.#waiting.length) {
      const job = this.#waiting.shift();
      if (!job.line.isConnected) continue;
      this.#running += 1;
      this.#send(job);
    }
  }

  // fetch() tells nothing of how much is sent; XMLHttpRequest does.
  #send(job) {
    const request = new XMLHttpRequest();
    const name = job.file.name;
    const end = (words, state) => {
      this.#running -= 1;
      job.label.textContent = words;
      job.bar.remove();
      job.line.className = state;
      job.button.setAttribute('aria-label', `${texts.close}: ${name}`);
      this.#say(words);
      if (state === 'done') {
        this.#done();
        setTimeout(() => job.line.remove(), 4000);
      }
      this.#next();
    };
    job.button.onclick = () => request.readyState < XMLHttpRequest.DONE && request.abort();
    request.upload.onprogress = (event) => {
      const percent = Math.floor((100 * event.loaded) / Math.max(1, event.total));
      job.bar.value = percent;
      job.label.textContent = texts.uploading(name, percent);
    };
    request.onload = () => {
      if (request.status === 200 || request.status === 201) end(texts.uploaded(name), 'done');
      else end(`${name}: ${refusal_from(request.status, request.responseText).words}`, 'failed');
    };
    request.onerror = () => end(texts.upload_broke(name), 'failed');
    request.onabort = () => end(texts.upload_cancelled(name), 'failed');
    request.open('PUT', download_url(job.path));
    request.setRequestHeader('X-CSRF-Token', this.#api.csrf);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.send(job.file);
  }
}
