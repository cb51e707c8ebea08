// SPDX-License-Identifier: GPL-3.0-or-later
// Who is looking: a token in the address becomes a cookie; then what that permits, and until when.

import { texts } from '../texts.js';
import { Refusal } from './api.js';

/** Takes the token out of the address before anything else runs, so that it stays in no history, title or screenshot. */
export function take_token(location, history) {
  const token = location.pathname === '/embed' ? new URLSearchParams(location.hash.slice(1)).get('token') : null;
  if (location.hash) history.replaceState(null, '', location.pathname);
  return token;
}

/** The session, or {title, words[]} that explain why there is none. */
export async function sign_in(api, token) {
  if (token) {
    try {
      await api.exchange(token);
    } catch (error) {
      if (error instanceof Refusal && error.status < 500 && error.status !== 429)
        return { explain: { title: texts.bad_token_title, words: [texts.bad_token] } };
      throw error;
    }
  }
  try {
    return { session: await api.session() };
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) throw error;
    // Signed in a moment ago and not known now: the cookie was not kept.
    if (token) return { explain: { title: texts.bad_token_title, words: [texts.blocked_cookies] } };
    return { explain: { title: texts.entry_title, words: texts.entry } };
  }
}

/** Says how long access lasts; `over` is called once, at its end. Measured on the clock that nobody sets. */
export class Lifetime {
  #ends;
  #timer;

  constructor(expires_in, say, over) {
    this.#ends = performance.now() + expires_in * 1000;
    const look = () => {
      const left = this.#ends - performance.now();
      if (left <= 0) {
        this.stop();
        over();
      } else {
        say(left < 10 * 60_000 ? texts.ends_in(Math.ceil(left / 60_000)) : '');
      }
    };
    this.#timer = setInterval(look, 5000);
    look();
  }
  stop() {
    clearInterval(this.#timer);
  }
}
