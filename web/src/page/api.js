// SPDX-License-Identifier: GPL-3.0-or-later
// The file API (docs/formats/files-api.md) as this page uses it: by cookie, with the CSRF token on every change. It knows no more than what
// the signed-in session may see, and keeps nothing beyond this page's life.

import { texts } from '../texts.js';

export class Refusal extends Error {
  constructor(status, code, trace, retry_after, rule = '') {
    super(code);
    this.status = status;
    this.code = code;
    this.trace = trace;
    this.retry_after = retry_after;
    this.rule = rule;
  }
  get words() {
    return texts.refused(texts.refusals[this.code] ?? texts.refusals.other, this.code + this.rule, this.trace);
  }
}

export const encoded = (path) => path.split('/').map(encodeURIComponent).join('/');
export const download_url = (path) => `/v1/files/${encoded(path)}`;
export const archive_url = (path) => `/v1/archive?path=${encodeURIComponent(path)}`;

/** The refusal that an answer's status, headers and text come to. */
export function refusal_from(status, text, retry_after) {
  let error = {};
  try {
    error = JSON.parse(text).error ?? {};
  } catch {
    // Not ours (a proxy in between): the status alone is known.
  }
  const code = typeof error.code === 'string' ? error.code : `http_${status}`;
  const rule = typeof error.rule === 'string' && /^[a-z]{1,20}$/.test(error.rule) ? `: ${error.rule}` : '';
  return new Refusal(status, code, typeof error.trace === 'string' ? error.trace : '', Number(retry_after) || 0, rule);
}

async function ask(method, path, { headers = {}, body, accept = [200] } = {}) {
  const response = await fetch(path, { method, headers, body, credentials: 'same-origin', redirect: 'error', cache: 'no-store' });
  if (!accept.includes(response.status)) throw refusal_from(response.status, await response.text(), response.headers.get('Retry-After'));
  return response;
}

export class Api {
  csrf = '';

  async session() {
    return this.#signed_in(await (await ask('GET', '/v1/session')).json());
  }

  async exchange(token) {
    const answer = await ask('POST', '/v1/session', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
      accept: [200, 201],
    });
    return this.#signed_in(await answer.json());
  }

  #signed_in(answer) {
    this.csrf = String(answer.csrf ?? '');
    return answer;
  }

  /** All files, or null when nothing changed since `etag`. None where there is no session. A listing that changes while its pages are read is read again. */
  async manifest(etag) {
    for (let tries = 0; tries < 3; tries += 1) {
      const first = await ask('GET', '/v1/manifest', { headers: etag ? { 'If-None-Match': etag } : {}, accept: [200, 304, 404] });
      if (first.status === 304) return null;
      // Nothing was written yet, or the session is over: there is nothing to see, and there may be later.
      if (first.status === 404) return { etag: '', files: [] };
      let page = await first.json();
      const { generation } = page;
      const files = [...page.files];
      while (page.next && page.generation === generation) {
        page = await (await ask('GET', `/v1/manifest?cursor=${encodeURIComponent(page.next)}`)).json();
        files.push(...page.files);
      }
      if (page.generation === generation) return { etag: first.headers.get('ETag') ?? '', files };
    }
    return null;
  }

  /** Bytes [from, to] of a file, and all of its size. `changed` when it is not the one of `etag` any more. */
  async bytes(path, from, to, etag) {
    const headers = { Range: `bytes=${from}-${to}` };
    if (etag && from > 0) headers['If-Range'] = etag;
    const answer = await ask('GET', `/v1/preview/${encoded(path)}`, { headers, accept: [200, 206, 416] });
    if (answer.status === 416) {
      // An empty file has no range; a file that shrank has not this one.
      if (from > 0) throw new Refusal(416, 'range_not_satisfiable', '', 0);
      return { bytes: new ArrayBuffer(0), size: 0, etag: answer.headers.get('ETag') ?? '', changed: false };
    }
    const changed = answer.status === 200 && from > 0;
    if (changed) {
      await answer.body?.cancel();
      return { bytes: new ArrayBuffer(0), size: 0, etag: '', changed };
    }
    const bytes = await answer.arrayBuffer();
    const total = /\/(\d+)$/.exec(answer.headers.get('Content-Range') ?? '');
    return { bytes, size: total ? Number(total[1]) : bytes.byteLength, etag: answer.headers.get('ETag') ?? '', changed };
  }

  async remove(path) {
    await ask('DELETE', download_url(path), { headers: { 'X-CSRF-Token': this.csrf }, accept: [200, 204] });
  }
}
