// SPDX-License-Identifier: GPL-3.0-or-later
// Every kind of file is shown as what it is (SB-6), by name and number of what a reader would look for; and what is damaged is said to be.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_browser, is_stand, place, put, put_fixtures, row, show, shown, signed_in, told } from './support.mjs';

let s;
before(async () => {
  await put_fixtures();
  s = await signed_in();
});
after(close_browser);

const text = (frame) => frame.locator('#root').innerText();
const kind = (frame) => frame.evaluate(() => document.getElementById('root').dataset.kind);

async function expect(name, kind_expected, ...words) {
  const frame = await show(s.page, name);
  assert.equal(await kind(frame), kind_expected);
  const found = await text(frame);
  for (const each of words) assert.ok(found.includes(each), `${name}: ${each} is not in ${found.slice(0, 300)}`);
  assert.equal(await frame.evaluate(() => document.getElementById('root').dataset.failed), undefined);
  return frame;
}

test('renders: given Markdown, then headings, tables and coloured code are shown, and links lead nowhere', async () => {
  const frame = await expect('outputs/report.md', 'markdown', 'Findings', 'seconds', '☑ plots made');
  assert.equal(await frame.locator('h1').innerText(), 'Findings');
  assert.ok((await frame.locator('.hljs-keyword').count()) >= 2);
  assert.equal(await frame.locator('a[href]').count(), 0);
});

test('renders: given code, then it is coloured and its lines are numbered', async () => {
  const frame = await expect('outputs/mean.py', 'text', 'csv.DictReader');
  assert.ok((await frame.locator('.hljs-keyword').count()) > 3);
  assert.equal((await frame.locator('.numbers').innerText()).trim().split('\n').at(-1), '13');
});

test('renders: given CSV, then rows come some at a time until all are there', async () => {
  const frame = await expect('outputs/results.csv', 'table', 'region 1, north');
  while (await frame.locator('button.more').isVisible()) {
    assert.ok((await frame.locator('tbody tr').count()) < 1500);
    await frame.locator('button.more').click();
  }
  assert.equal(await frame.locator('tbody tr').count(), 1500);
  assert.ok((await text(frame)).includes('1500 rows, 4 columns'));
});

test('renders: given TSV, then its columns are those of its tabs', async () => {
  const frame = await expect('outputs/tabbed.tsv', 'table');
  assert.deepEqual(await frame.locator('thead th').allInnerTexts(), ['a', 'b']);
});

test('renders: given a spreadsheet, then each sheet is a table, with dates as dates', async () => {
  const frame = await expect('outputs/figures.xlsx', 'sheet', 'Region', '2024-01-01', '12.5');
  await frame.getByRole('tab', { name: 'Notes' }).click();
  await frame.getByText('second sheet').waitFor();
});

test('renders: given a DOCX, then its headings, text and table are shown', async () => {
  const frame = await expect('outputs/letter.docx', 'docx', 'Revenue rose', '1,377');
  assert.deepEqual(await frame.locator('h1, h2').allInnerTexts(), ['Quarterly letter', 'Figures']);
});

test('renders: given a PPTX, then slides are shown in order, with pictures', async () => {
  const frame = await expect('outputs/talk.pptx', 'pptx', 'Faster by a third');
  assert.deepEqual(await frame.locator('.slide h2').allInnerTexts(), ['Results in one slide', 'Questions?']);
  assert.equal(await frame.locator('.slide img').evaluate((image) => image.decode().then(() => image.naturalWidth)), 480);
});

test('renders: given a notebook, then cells and outputs are shown', async () => {
  const frame = await expect('outputs/analysis.ipynb', 'notebook', 'Measurements', 'statistics.mean', '3.0', 'ZeroDivisionError: division by zero');
  assert.equal(await frame.locator('.outputs img').first().evaluate((image) => image.naturalWidth), 480);
  assert.equal(await frame.locator('.outputs table td').count(), 2);
});

test('renders: given a PDF, then its pages are drawn and its text is there', async () => {
  const frame = await expect('outputs/paper.pdf', 'pdf');
  await frame.locator('.textLayer span', { hasText: 'A paper of two pages' }).waitFor({ state: 'attached' });
  assert.equal(await frame.locator('.page').count(), 2);
  const ink = await frame.locator('canvas').first().evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let dark = 0;
    for (let at = 0; at < data.length; at += 4) dark += data[at] < 100;
    return dark;
  });
  assert.ok(ink > 500, `${ink} dark pixels`);
});

test('renders: given images, then they are shown in their size', async () => {
  assert.ok((await text(await expect('outputs/chart.png', 'image'))).includes('480 × 270'));
  const svg = await expect('outputs/drawing.svg', 'svg');
  assert.ok(await svg.locator('.picture img').evaluate((image) => image.naturalWidth > 0));
  await svg.getByRole('tab', { name: 'Source' }).click();
  await svg.getByText('viewBox').waitFor();
});

test('renders: given HTML, then it is shown with its styles, and its source', async () => {
  const frame = await expect('outputs/page.html', 'html', 'without scripts');
  const inner = await (await frame.waitForSelector('iframe.inner')).contentFrame();
  assert.equal(await inner.locator('h1').innerText(), 'A page');
  await frame.getByRole('tab', { name: 'Source' }).click();
  await frame.getByText('<!doctype html>').waitFor();
});

test('renders: given sound, then it can be played', async () => {
  const frame = await expect('outputs/tone.wav', 'media');
  await frame.waitForFunction(() => document.querySelector('audio').readyState > 0);
  assert.equal(await frame.locator('audio').evaluate((player) => Math.round(player.duration)), 1);
});

test('renders: given archives, then what is in them is listed', async () => {
  await expect('outputs/bundle.zip', 'zip', 'data/values.json', '450 bytes');
  await expect('outputs/sources.tar.gz', 'tar', 'src/main.c', '3 entries');
});

test('renders: given a long text, then it comes a megabyte at a time', async () => {
  const frame = await expect('outputs/long.log', 'text', '000000 a line');
  assert.ok(!(await text(frame)).includes('059999'));
  await frame.locator('button.more').click();
  await frame.waitForFunction(() => document.querySelector('code').textContent.includes('059999 a line'));
  assert.equal(await frame.locator('button.more').count(), 0);
});

test('renders: given anything else, then its first bytes are shown', async () => {
  await expect('outputs/model.bin', 'hex', '00 01 02 03', 'There is no preview');
  await expect('outputs/deep/er/notes.txt', 'text', 'Grüße');
});

test('renders: given an empty or damaged file, then it is said', async () => {
  assert.ok((await text(await show(s.page, 'outputs/empty.txt'))).includes('This file is empty'));
  const broken = put(place('outputs/broken.docx'), Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(300, 7)]));
  // The real front does not let a damaged archive in; a guest can still write one.
  await (is_stand ? broken : assert.rejects(broken, /422.*archive_refused/));
  await put(place('outputs/broken.pdf'), Buffer.from('%PDF-1.7\nnothing of the sort'));
  for (const name of is_stand ? ['outputs/broken.docx', 'outputs/broken.pdf'] : ['outputs/broken.pdf']) {
    await row(s.page, name).waitFor();
    assert.ok((await text(await show(s.page, name))).includes('damaged'), name);
  }
});

test('renders: given a zip that says it unpacks to more than can be shown, when it is opened as a document, then nothing is unpacked', async () => {
  // One stored part whose directory says 1 GiB.
  const name = Buffer.from('word/document.xml');
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(10, 20);
  central.writeUInt32LE(0x40000000, 24);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + 10, 16);
  const bomb = put(place('outputs/bomb.docx'), Buffer.concat([local, name, Buffer.alloc(10), central, name, end]));
  if (!is_stand) {
    await assert.rejects(bomb, /422.*archive_refused/);
    return;
  }
  await bomb;
  await row(s.page, 'outputs/bomb.docx').waitFor();
  assert.ok((await text(await show(s.page, 'outputs/bomb.docx'))).includes('Unpacked, this file is too large'));
});

test('renders: given a file that is not downloadable, then neither its preview nor its download is offered', async () => {
  await put(place('outputs/inside.txt'), 'inside only', { 'X-Downloadable': 'false' });
  await row(s.page, 'outputs/inside.txt').click();
  await s.page.getByText('marked as not downloadable').waitFor();
  assert.equal(await s.page.locator('#download').isVisible(), false);
  assert.equal(await s.page.locator('#frame-place iframe').count(), 0);
});

test('renders: given the file shown, when it changes, then its new content appears by itself', async () => {
  await put(place('outputs/live.txt'), 'before');
  await row(s.page, 'outputs/live.txt').waitFor();
  await show(s.page, 'outputs/live.txt');
  await put(place('outputs/live.txt'), 'and after');
  await s.page.waitForFunction(() => document.getElementById('preview-facts').textContent.startsWith('9 bytes'));
  assert.ok((await text(await shown(s.page, place('outputs/live.txt')))).includes('and after'));
});

test('renders: given all that was shown, then no policy was broken and nothing failed', { skip: !is_stand && 'the real front logs its own' }, async () => {
  await told({});
  // DOMPurify reads markup in a document that runs nothing; the browser reports the handlers that it did not run.
  const left = s.complaints.filter((each) => !each.includes('inline event handler'));
  assert.deepEqual(left, []);
});
