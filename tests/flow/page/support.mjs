// SPDX-License-Identifier: GPL-3.0-or-later
// What every test of the page needs: a browser, a session of its own, files in it. Where the files front is, and its key, come from the
// environment: OCU_FILES_URL, OCU_TOKEN, OCU_FIXTURES (a folder with uploads/ and outputs/), OCU_CHROMIUM; with OCU_FILES_STAND=1 it is the
// stand-in (tests/support/files_stand.py), which has one session and lets tests write outputs and break things.

import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';

export const url = process.env.OCU_FILES_URL;
export const is_stand = process.env.OCU_FILES_STAND === '1';
const key = process.env.OCU_TOKEN;
export const embed_key = process.env.OCU_EMBED_KEY; // of an application that embeds the page for the caller `dev`; the stand-in knows none
const fixtures = process.env.OCU_FIXTURES;
if (!url || !key || !fixtures) throw new Error('OCU_FILES_URL, OCU_TOKEN and OCU_FIXTURES must be set');

export const everything = ['read', 'preview', 'write'];
const authorization = { Authorization: `Bearer ${key}` };

export async function ask(method, where, { body, headers = {} } = {}) {
  let response = await fetch(url + where, { method, body, headers: { ...authorization, ...headers } });
  for (let tries = 0; response.status === 429 && tries < 10; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get('Retry-After')) || 1)));
    response = await fetch(url + where, { method, body, headers: { ...authorization, ...headers } });
  }
  if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
  return response;
}

export async function token(intents = everything) {
  return (await ask('POST', '/v1/embed-tokens', { body: JSON.stringify({ intents }), headers: { 'Content-Type': 'application/json' } })).json();
}

const encoded = (name) => name.split('/').map(encodeURIComponent).join('/');
// Outputs are the guest's to write: against the real appliance the fixtures are uploads.
export const put = (name, bytes, headers) => ask('PUT', `/v1/files/${encoded(name)}`, { body: bytes, headers });
export const place = (name) => (is_stand ? name : name.replace(/^outputs\//, 'uploads/'));
export const remove = (name) => ask('DELETE', `/v1/files/${encoded(name)}`);
export const told = (words) => ask('POST', '/stand', { body: JSON.stringify(words) });

export async function put_fixtures() {
  for (const entry of readdirSync(fixtures, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = path.join(entry.parentPath, entry.name);
    const name = path.relative(fixtures, full);
    if (!name.startsWith('hostile')) await put(place(name), readFileSync(full));
  }
}
export const fixture = (name) => readFileSync(path.join(fixtures, name));

let browser;
export async function open_browser() {
  browser ??= await chromium.launch({ executablePath: process.env.OCU_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  return browser;
}
export async function close_browser() {
  await browser?.close();
  browser = undefined;
}

/** A page that is signed in. `complaints` collects what the console and policies say that the test did not ask for. */
export async function signed_in({ intents = everything, ...options } = {}) {
  const context = await (await open_browser()).newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${url}${(await token(intents)).url}`);
  await page.waitForSelector('#tree [role=treeitem]');
  return { context, page, complaints, end: () => context.close() };
}

export const row = (page, name) => page.locator(`[role=treeitem][data-path=${JSON.stringify(place(name))}]`);

/** Chooses a file and waits until its frame has shown it; answers the frame. */
export async function show(page, name) {
  await row(page, name).click();
  return shown(page, place(name));
}
export async function shown(page, path_shown) {
  const element = await page.waitForSelector(`#frame-place iframe[title=${JSON.stringify(path_shown)}]`);
  const frame = await element.contentFrame();
  await frame.waitForFunction(() => {
    const root = document.getElementById('root');
    return root?.dataset.kind && !root.querySelector(':scope > [role=status]');
  });
  return frame;
}

/** A server that nobody should ask anything: what it heard. */
export async function listener() {
  const heard = [];
  const server = http.createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'Access-Control-Allow-Origin': '*' });
    response.end('heard');
  });
  server.on('connection', () => heard.push('connection'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { heard, url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}
