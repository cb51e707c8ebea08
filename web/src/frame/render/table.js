// SPDX-License-Identifier: GPL-3.0-or-later
// CSV and TSV, read as far as they are looked at.

import Papa from 'papaparse';
import { grid } from '../grid.js';
import { TextPieces } from '../decode.js';

const kept_max = 4 << 20;  // a row longer than this ends the table

export default async function render(file, place) {
  const pieces = new TextPieces(file);
  let kept = await pieces.next();
  const guessed = Papa.parse(kept.slice(0, 64 << 10), { preview: 20 }).meta.delimiter;
  const delimiter = /\.(tsv|tab)$/i.test(file.name) ? '\t' : guessed;
  let ended = false;
  async function more() {
    if (ended) return null;
    while (!ended) {
      const last = pieces.done || kept.length > kept_max;
      // The last row of a piece may go on in the next one: it waits for that.
      const parser = new Papa.Parser({ delimiter });
      const { data, meta } = parser.parse(kept, 0, !last);
      kept = kept.slice(meta.cursor);
      if (last) ended = true;
      const rows = data.filter((row) => row.length > 1 || row[0] !== '');
      if (!ended) kept += await pieces.next();
      if (rows.length) return rows;
    }
    return null;
  }
  const first = (await more()) ?? [];
  place.append(await grid(file.name, first, more));
}
