// SPDX-License-Identifier: GPL-3.0-or-later
// A table of values, some rows at a time.

import { make } from '../dom.js';
import { texts } from '../texts.js';

const rows_at_once = 300;
const columns_max = 200;
const cell_max = 2000;

const cell_text = (value) => {
  const text = value === null || value === undefined ? '' : value instanceof Date ? value.toISOString().replace(/T00:00:00\.000Z$/, '') : String(value);
  return text.length > cell_max ? `${text.slice(0, cell_max)} …` : text;
};

/** `more()`: a promise of further rows, or null at the end; absent when `rows` is all. The first row is the head. */
export function grid(name, rows, more) {
  const columns = Math.min(columns_max, rows.reduce((most, row) => Math.max(most, row.length), 1));
  const filled = (row) => Array.from({ length: columns }, (_, at) => cell_text(row[at]));
  const head = make('thead', {}, make('tr', {}, make('td', { class: 'number' }), ...filled(rows[0] ?? []).map((each) => (each ? make('th', { scope: 'col' }, each) : make('td', {})))));
  const body = make('tbody', {});
  const waiting = rows.slice(1);
  let shown = 0;
  let ended = !more;
  const facts = make('p', { class: 'small' });
  const button = make('button', { type: 'button', class: 'more' });
  async function add() {
    // One row more than is shown: so it is known whether there are more.
    while (!ended && waiting.length <= rows_at_once) {
      const next = await more();
      if (next) waiting.push(...next);
      else ended = true;
    }
    for (const row of waiting.splice(0, rows_at_once)) {
      shown += 1;
      body.append(make('tr', {}, make('td', { class: 'number' }, String(shown)), ...filled(row).map((each) =>
        make('td', /^-?[\d.,]+%?$/.test(each) ? { class: 'amount' } : {}, each))));
    }
    const all = ended && waiting.length === 0;
    button.hidden = all;
    button.textContent = texts.more_rows(shown);
    facts.textContent = all ? texts.rows(shown, columns) : '';
  }
  button.addEventListener('click', async () => {
    button.disabled = true;
    await add();
    button.disabled = false;
  });
  const view = make('div', { class: 'grid' }, make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': name }, make('table', {}, head, body)), button, facts);
  return add().then(() => view);
}
