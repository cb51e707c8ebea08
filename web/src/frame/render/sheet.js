// SPDX-License-Identifier: GPL-3.0-or-later
import readExcelFile from 'read-excel-file/universal';
import { grid } from '../grid.js';
import { tabs } from '../tabs.js';
import { texts } from '../../texts.js';
import { refuse_bombs } from '../unpacked.js';

export default async function render(file, place) {
  const bytes = await file.whole(32 << 20);
  refuse_bombs(bytes);
  const sheets = await readExcelFile(new Blob([bytes]));
  await tabs(place, sheets.map(({ sheet, data }) => ({ label: sheet || texts.sheet, view: () => grid(sheet, data.length ? data : [[]]) })));
}
