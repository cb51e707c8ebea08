// SPDX-License-Identifier: GPL-3.0-or-later
/** A decoder for a text that begins with `bytes`: UTF-8 unless a byte order mark says otherwise. Wrong bytes become U+FFFD. */
export function decoder_for(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be');
  return new TextDecoder('utf-8');
}

/** Reads a text piece by piece: `next()` gives the following text, `done` says that there is no more. */
export class TextPieces {
  #file;
  #decoder;
  #at = 0;
  constructor(file) {
    this.#file = file;
    this.#decoder = decoder_for(file.first);
  }
  get at() {
    return this.#at;
  }
  get done() {
    return this.#at >= this.#file.size;
  }
  async next(length = 1 << 20) {
    const bytes = this.#at === 0 ? this.#file.first : await this.#file.range(this.#at, Math.min(length, this.#file.size - this.#at));
    this.#at += bytes.length;
    if (bytes.length === 0) this.#at = this.#file.size;
    return this.#decoder.decode(bytes, { stream: !this.done });
  }
}

export async function whole_text(file, limit = 16 << 20) {
  const bytes = await file.whole(limit);
  return decoder_for(bytes).decode(bytes);
}
