// SPDX-License-Identifier: GPL-3.0-or-later
// The page: signs in, lists, shows, uploads. It handles names and numbers of files and never their content, which lives in the closed frame.

import { by_id, make } from '../dom.js';
import { size_text, texts } from '../texts.js';
import { Api, Refusal, archive_url, download_url } from './api.js';
import { ask, help, single_keys } from './dialogs.js';
import { FileList } from './list.js';
import { Poll } from './poll.js';
import { Preview } from './preview.js';
import { Lifetime, sign_in, take_token } from './session.js';
import { news } from './tree.js';
import { Uploads } from './upload.js';

const token = take_token(window.location, window.history);
const api = new Api();

function say(words) {
  by_id('live').textContent = words;
}
function notice(words) {
  by_id('notice').textContent = words;
  by_id('notice').hidden = !words;
}

function explain({ title, words }) {
  document.body.dataset.state = 'out';
  by_id('explain').replaceChildren(make('h2', {}, title), ...words.map((each) => make('p', {}, each)));
}

class Page {
  #files = new Map();
  #known = false;
  #chosen = '';
  #list = new FileList(by_id('tree'), by_id('list-note'), (path) => this.choose(path, true));
  #preview = new Preview(api, by_id('frame-place'), say, () => this.leave_preview());
  #poll = new Poll(api, {
    files: (files) => this.#arrived(files),
    refused: (refusal) => this.#refused(refusal),
    lost: () => notice(texts.connection_lost),
    back: () => {
      notice('');
      say(texts.connection_back);
    },
  });
  #lifetime;
  #uploads;
  #may;

  constructor(session) {
    this.#may = (intent) => (session.intents ?? []).includes(intent);
    document.body.dataset.state = 'in';
    this.#lifetime = new Lifetime(session.expires_in ?? 3600, (words) => (by_id('lifetime').textContent = words), () => this.over());
    const archive = by_id('archive');
    archive.href = archive_url('outputs');
    this.#preview.close();
    if (this.#may('write')) this.#make_uploads(session.limits?.upload_bytes_max);
    else by_id('upload').hidden = true;
    by_id('read-only').hidden = this.#may('write');
    this.#wire();
    this.#poll.now();
  }

  #make_uploads(limit) {
    this.#uploads = new Uploads(api, { limit, ask, say, done: () => this.#poll.now(), exists: (path) => this.#files.has(path) });
    const picker = by_id('picker');
    by_id('upload').addEventListener('click', () => picker.click());
    picker.addEventListener('change', () => {
      this.#uploads.add([...picker.files]);
      picker.value = '';
    });
    const over = (on) => document.body.classList.toggle('dropping', on);
    const carries_files = (event) => event.dataTransfer?.types.includes('Files');
    document.addEventListener('dragover', (event) => {
      if (!carries_files(event)) return;
      event.preventDefault();
      over(true);
    });
    document.addEventListener('dragleave', (event) => !event.relatedTarget && over(false));
    document.addEventListener('drop', (event) => {
      if (!carries_files(event)) return;
      event.preventDefault();
      over(false);
      this.#uploads.add_dropped(event.dataTransfer);
    });
  }

  #wire() {
    by_id('filter').addEventListener('input', (event) => this.#list.filter(event.target.value));
    by_id('filter').addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' || event.key === 'Enter') this.#list.focus();
      else if (event.key === 'Escape') this.#list.filter((event.target.value = ''));
      else return;
      event.preventDefault();
    });
    by_id('help').addEventListener('click', help);
    by_id('back').addEventListener('click', () => this.leave_preview());
    by_id('remove').addEventListener('click', () => this.remove());
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (document.querySelector('dialog[open]') || event.target.matches('input, textarea, select')) return;
    const letters = { '/': () => by_id('filter').focus(), u: () => by_id('upload').click(), d: () => by_id('download').click(), '?': help };
    const named = { Delete: () => this.remove(), Escape: () => this.leave_preview() };
    const action = named[event.key] ?? (single_keys() ? letters[event.key] : undefined);
    if (!action) return;
    event.preventDefault();
    action();
  }

  #arrived(files) {
    const now = new Map(files.map((each) => [each.path, each]));
    const { added, changed } = news(this.#files, now);
    const fresh = this.#known ? added.concat(changed.filter((path) => path !== this.#chosen)) : [];
    this.#files = now;
    this.#list.show(files, fresh);
    if (this.#known && added.length) say(texts.appeared(added.length));
    this.#known = true;
    by_id('archive').hidden = !files.some((each) => each.path.startsWith('outputs/'));
    if (!this.#chosen) return;
    if (!now.has(this.#chosen)) {
      this.choose('');
      this.#preview.close(texts.gone);
    } else if (changed.includes(this.#chosen)) {
      this.choose(this.#chosen, false);
      say(texts.changed);
    }
  }

  choose(path, moves) {
    const entry = this.#files.get(path);
    this.#chosen = entry ? path : '';
    this.#list.select(this.#chosen);
    const shown = Boolean(entry);
    document.body.classList.toggle('showing', shown && (moves || document.body.classList.contains('showing')));
    by_id('preview-head').hidden = !shown;
    if (!shown) return this.#preview.close();
    const inside = entry.downloadable === false;
    by_id('preview-name').textContent = path.split('/').at(-1);
    by_id('preview-facts').textContent = [size_text(entry.size), entry.media_type?.length < 40 && entry.media_type, entry.modified && new Date(entry.modified).toLocaleString()]
      .filter(Boolean).join(' · ');
    const download = by_id('download');
    download.hidden = inside || !this.#may('read') || Boolean(entry.id);
    download.href = download_url(path);
    by_id('remove').hidden = !this.#may('write') || Boolean(entry.id);
    if (entry.id) return this.#preview.close(texts.unreadable_name);
    if (inside) return this.#preview.close(entry.withheld === 'type_denied' ? texts.kept_inside(entry.media_type) : texts.stays_inside);
    if (!this.#may('preview')) return this.#preview.close(texts.not_permitted);
    return this.#preview.open(entry).catch((error) => this.#refused(error));
  }

  leave_preview() {
    document.body.classList.remove('showing');
    this.#list.focus();
  }

  async remove() {
    const path = this.#chosen;
    if (!path || by_id('remove').hidden) return;
    const name = path.split('/').at(-1);
    if (!(await ask(texts.remove_question(name), texts.remove))) return;
    try {
      await api.remove(path);
      say(texts.removed(name));
      this.choose('');
      this.#preview.close(texts.removed(name));
      this.leave_preview();
      this.#poll.now();
    } catch (error) {
      this.#refused(error);
    }
  }

  #refused(error) {
    if (!(error instanceof Refusal)) return notice(texts.connection_lost);
    if (error.status === 401) return this.over();
    return notice(error.status === 429 ? texts.slow_down : error.words);
  }

  over() {
    this.#poll.stop();
    this.#lifetime.stop();
    this.#preview.close();
    explain({ title: texts.signed_out_title, words: [texts.signed_out] });
  }
}

async function begin(tries = 0) {
  try {
    const { session, explain: why } = await sign_in(api, tries === 0 ? token : null);
    notice('');
    if (why) explain(why);
    else window.setTimeout(() => new Page(session), 0);
  } catch (error) {
    // Not reachable or not ready: a token that was spent stays spent, so only the cookie is tried again.
    notice(error instanceof Refusal ? error.words : texts.connection_lost);
    window.setTimeout(() => begin(tries + 1), Math.min(30_000, 2000 * 2 ** tries));
  }
}

begin();
