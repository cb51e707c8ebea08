// SPDX-License-Identifier: GPL-3.0-or-later
// Zip files: what is in them, from their directory, before a byte is unpacked; and parts of them, bounded.

import { unzipSync } from 'fflate';
import { texts } from '../texts.js';
import { Shown } from './shown.js';

const unpacked_bytes_max = 256 << 20;
const parts_max = 20_000;

/** [{name, size, packed}] in the order of the directory. Errors: what the library says of a broken one. */
export function listed(bytes) {
  const found = [];
  unzipSync(bytes, {
    filter: ({ name, originalSize, size }) => {
      found.push({ name, size: originalSize, packed: size });
      return false;
    },
  });
  return found;
}

/** Refuses what would become too large; said sizes are binding, since the library stops at them. */
export function refuse_bombs(bytes) {
  const parts = listed(bytes);
  const total = parts.reduce((sum, each) => sum + each.size, 0);
  if (total > unpacked_bytes_max || parts.length > parts_max) throw new Shown(texts.unpacks_too_large);
  return parts;
}

/** Parts whose name passes `wanted`, as {name: bytes}. Not in a worker: this frame may have none. */
export const parts = (bytes, wanted) => unzipSync(bytes, { filter: ({ name }) => wanted(name) });
