// SPDX-License-Identifier: GPL-3.0-or-later
// The page as a person uses it: signing in, keys alone, uploads and their refusals, deleting, narrow and zoomed, dark, read by a machine that
// looks for barriers (axe-core), embedded in a host page of another origin (SB-6).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { ask, close_browser, embed_key, everything, is_stand, open_browser, place, put, put_fixtures, row, show, signed_in, told, token, url } from './support.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const only_stand = { skip: !is_stand && 'the stand-in alone misbehaves when told to' };

before(put_fixtures);
after(close_browser);

test('page: given no cookie, then it explains how to get in, and asks for nothing else', async () => {
  const page = await (await open_browser()).newPage();
  await page.goto(`${url}/`);
  await page.getByRole('heading', { name: 'How to get in' }).waitFor();
  assert.equal(await page.locator('#work').isVisible(), false);
  await page.close();
});

test('page: given a token, then it leaves the address bar and works once', async () => {
  const browser = await open_browser();
  const made = await token();
  const first = await browser.newPage();
  await first.goto(url + made.url);
  await first.waitForSelector('[role=treeitem]');
  assert.equal(first.url(), `${url}/embed`);
  assert.equal(await first.evaluate(() => history.length), 2);
  assert.equal(await first.evaluate(() => document.cookie), '');
  await first.close();
  const context = await browser.newContext();
  const second = await context.newPage();
  await second.goto(url + made.url);
  await second.getByRole('heading', { name: 'This link does not work' }).waitFor();
  assert.equal(second.url(), `${url}/embed`);
  await context.close();
});

test('page: given a link that an embedding application made with its own key, then its caller’s files are shown', { skip: !embed_key && 'the stand-in knows no such key' }, async () => {
  const made = await fetch(`${url}/v1/embed-tokens`, { method: 'POST', headers: { Authorization: `Bearer ${embed_key}` }, body: JSON.stringify({ intents: everything, caller: 'dev' }) });
  assert.equal(made.status, 201);
  const context = await (await open_browser()).newContext();
  const page = await context.newPage();
  await page.goto(url + (await made.json()).url);
  await row(page, 'outputs/mean.py').waitFor();
  await context.close();
  const files = await fetch(`${url}/v1/manifest`, { headers: { Authorization: `Bearer ${embed_key}` } });
  assert.equal(files.status, 403);
});

test('page: given keys alone, then files are found, folded, shown, and left again', async () => {
  const { page, end } = await signed_in();
  await page.keyboard.press('/');
  await page.keyboard.type('mean');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('#preview-name', { hasText: 'mean.py' }).waitFor();
  await page.waitForSelector('#frame-place iframe');
  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Home');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'true');
  const all = await page.locator('[role=treeitem]').count();
  await page.keyboard.press('ArrowLeft');
  assert.ok((await page.locator('[role=treeitem]').count()) < all);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'false');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('[role=treeitem]').count(), all);
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const frame = await show(page, 'outputs/mean.py');
  await frame.locator('#root').click();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'treeitem');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('d')]);
  assert.equal(download.suggestedFilename(), 'mean.py');
  await end();
});

test('page: given one-letter keys that are switched off, then letters do nothing', async () => {
  const { page, end } = await signed_in();
  await page.keyboard.press('?');
  await page.getByRole('checkbox').uncheck();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await end();
});

test('page: given files chosen and dropped, then they are uploaded, appear by themselves, and a replacement is asked about', async () => {
  const { page, end } = await signed_in();
  await page.setInputFiles('#picker', [
    { name: 'one.txt', mimeType: 'text/plain', buffer: Buffer.from('one') },
    { name: 'zwei ü & #1.txt', mimeType: 'text/plain', buffer: Buffer.from('two') },
    { name: 'three.txt', mimeType: 'text/plain', buffer: Buffer.alloc(3 << 20, 65) },
  ]);
  for (const name of ['one.txt', 'zwei ü & #1.txt', 'three.txt']) await row(page, `uploads/${name}`).waitFor();
  const frame = await show(page, 'uploads/zwei ü & #1.txt');
  assert.equal(await frame.locator('code').innerText(), 'two');
  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['dropped'], 'dropped.txt'));
    for (const type of ['dragover', 'drop']) document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await row(page, 'uploads/dropped.txt').waitFor();
  await page.setInputFiles('#picker', [{ name: 'one.txt', mimeType: 'text/plain', buffer: Buffer.from('once more') }]);
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await (await ask('GET', '/v1/files/uploads/one.txt')).text(), 'one');
  await page.setInputFiles('#picker', [{ name: 'one.txt', mimeType: 'text/plain', buffer: Buffer.from('once more') }]);
  await page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click();
  await page.getByText('one.txt is uploaded.').first().waitFor();
  assert.equal(await (await ask('GET', '/v1/files/uploads/one.txt')).text(), 'once more');
  await end();
});

test('page: given uploads that are refused, then it says why in words', only_stand, async () => {
  await told({ upload_bytes_max: 1000 });
  const { page, end } = await signed_in();
  await page.setInputFiles('#picker', [{ name: 'large.bin', mimeType: 'x/y', buffer: Buffer.alloc(2000) }]);
  await page.locator('#uploads').getByText('large.bin is larger than 1.0 kB').waitFor();
  await told({ fault: { '/v1/files/uploads/full': [507, 'quota_exceeded'] }, upload_bytes_max: 50 << 20 });
  await page.setInputFiles('#picker', [{ name: 'full.bin', mimeType: 'x/y', buffer: Buffer.alloc(20) }]);
  await page.locator('#uploads').getByText('The session’s space is full').waitFor();
  await told({});
  await end();
});

test('page: given a file to delete, then it asks first, and only a yes deletes', async () => {
  await put(place('outputs/unwanted.txt'), 'x');
  const { page, end } = await signed_in();
  await show(page, 'outputs/unwanted.txt');
  await page.keyboard.press('Delete');
  await page.keyboard.press('Enter');  // Cancel has the focus
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await row(page, 'outputs/unwanted.txt').count(), 1);
  await page.keyboard.press('Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await row(page, 'outputs/unwanted.txt').waitFor({ state: 'detached' });
  await end();
});

test('page: given access to read alone, then nothing that changes is offered', async () => {
  const { page, end } = await signed_in({ intents: ['read', 'preview'] });
  await show(page, 'outputs/report.md');
  for (const id of ['#upload', '#remove']) assert.equal(await page.locator(id).isVisible(), false);
  assert.equal(await page.locator('#read-only').isVisible(), true);
  await end();
});

test('page: given new outputs, then they appear by themselves and are announced', async () => {
  const { page, end } = await signed_in();
  await put(place(`outputs/fresh-${process.pid}.txt`), 'new');
  await row(page, `outputs/fresh-${process.pid}.txt`).getByText('new', { exact: true }).waitFor({ timeout: 6000 });
  assert.equal(await page.locator('#live').innerText(), 'One new file.');
  await end();
});

test('page: given a session that ends, or a service that goes away, then it says so', only_stand, async () => {
  const { page, end } = await signed_in();
  await told({ fault: { '/v1/manifest': [503, 'role_unavailable'] } });
  await page.getByText('The service is not ready').waitFor();
  await told({});
  await page.locator('#notice').waitFor({ state: 'hidden', timeout: 15_000 });
  await told({ end: true });
  await page.getByRole('heading', { name: 'Access is over' }).waitFor();
  assert.equal(await page.locator('#frame-place iframe').count(), 0);
  await end();
});

for (const look of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { viewport: { width: 320, height: 640 }, reducedMotion: 'reduce' }]) {
  test(`page: given ${JSON.stringify(look)}, when axe looks at the page and its frames, then it finds nothing serious`, async () => {
    const { page, end } = await signed_in(look);
    const serious = async (frame, what) => {
      await frame.evaluate(axe);
      const { violations } = await frame.evaluate(() => axe.run(document, { resultTypes: ['violations'], iframes: false }));
      const found = violations.filter((each) => ['serious', 'critical'].includes(each.impact));
      assert.deepEqual(found.map((each) => `${what}: ${each.id}: ${each.nodes.map((node) => node.html).join(' ').slice(0, 300)}`), []);
    };
    await serious(page.mainFrame(), 'list');
    for (const name of ['report.md', 'mean.py', 'results.csv', 'figures.xlsx', 'letter.docx', 'talk.pptx', 'analysis.ipynb', 'bundle.zip', 'model.bin', 'chart.png', 'page.html', 'paper.pdf', 'tone.wav']) {
      const frame = await show(page, `outputs/${name}`);
      await serious(frame, name);
      if (name === 'report.md') await serious(page.mainFrame(), 'page');
      if (await page.locator('#back').isVisible()) await page.locator('#back').click();
    }
    await page.locator('#help').click();
    await serious(page.mainFrame(), 'help');
    await end();
  });
}

test('page: given 320 pixels, then list and preview take turns and nothing is cut off', async () => {
  const { page, end } = await signed_in({ viewport: { width: 320, height: 640 } });
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  assert.ok(await fits());
  await show(page, 'outputs/report.md');
  assert.equal(await page.locator('#tree').isVisible(), false);
  assert.ok(await fits());
  await page.getByRole('button', { name: 'Back to files' }).click();
  assert.equal(await page.locator('#tree').isVisible(), true);
  await end();
});

test('page: given 200 % zoom, then everything is still there', async () => {
  // A zoom of 200 % is a window of half the size in CSS pixels.
  const { page, end } = await signed_in({ viewport: { width: 600, height: 400 }, deviceScaleFactor: 2 });
  await show(page, 'outputs/report.md');
  assert.equal(await page.locator('#download').isVisible(), true);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await end();
});

test('page: given a host page of a permitted origin, when it embeds the page, then it works there and the host cannot look inside',
  { skip: !process.env.OCU_HOST_PORT && 'no origin is permitted to embed' }, async () => {
    const { url: embed } = await token();
    const server = http.createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' });
      response.end(`<title>Host</title><h1>Host</h1><iframe style="width:900px;height:600px" src="${url}${embed}"></iframe>`);
    });
    await new Promise((resolve) => server.listen(Number(process.env.OCU_HOST_PORT), '127.0.0.1', resolve));
    const context = await (await open_browser()).newContext();
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${process.env.OCU_HOST_PORT}/`);
    const inner = await (await page.waitForSelector('iframe')).contentFrame();
    await inner.locator(`[role=treeitem][data-path="${place('outputs/report.md')}"]`).click();
    const element = await inner.waitForSelector('#frame-place iframe');
    const frame = await element.contentFrame();
    await frame.getByRole('heading', { name: 'Findings' }).waitFor();
    assert.equal(await page.evaluate(() => { try { return document.querySelector('iframe').contentDocument?.title ?? 'closed'; } catch { return 'closed'; } }), 'closed');
    await context.close();
    server.closeAllConnections();
    server.close();
  });

test('page: given a first visit, then less than 100 kB come, all from here, and renderers only when needed', async () => {
  const context = await (await open_browser()).newContext();
  const page = await context.newPage();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url + (await token()).url);
  await page.waitForSelector('[role=treeitem]');
  assert.ok(asked.every((each) => each.startsWith(`${url}/`)), asked.join(' '));
  const assets = asked.filter((each) => each.includes('/assets/'));
  let bytes = 0;
  for (const each of assets) bytes += (await (await fetch(each)).arrayBuffer()).byteLength;
  assert.ok(assets.length <= 4 && bytes < 100_000, `${assets.length} files, ${bytes} bytes before compression`);
  assert.ok(!asked.some((each) => each.includes('pdf')));
  await context.close();
});
