// SPDX-License-Identifier: GPL-3.0-or-later
/** Why a file is not shown, in words for the reader. */
export class Shown extends Error {
  constructor(words, { with_bytes = false } = {}) {
    super(words);
    this.with_bytes = with_bytes;
  }
}
