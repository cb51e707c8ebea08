// SPDX-License-Identifier: GPL-3.0-or-later
// Bundles the page into one pack that the program carries (src/storage/page_assets.h says how it is read), and lists what went into it.
//   usage: node build.mjs SOURCES MODULES OUT      writes OUT/page.pack, OUT/parts.json
//
//   ocu-page/1 HEAD-BYTES\n
//   header\tPOLICY\tNAME\tVALUE\n                                  headers of a policy
//   file\tPATH\tTYPE\tPOLICY\tCACHE\tETAG\tOFFSET\tPACKED\tSIZE\n  CACHE: immutable or revalidate; OFFSET from the end of the head
//   bodies, each gzip
//
// Equal sources, lock file and node give equal bytes: no time, no path of this machine goes in.

import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';

const [sources, modules, out] = process.argv.slice(2).map((each) => path.resolve(each));
const esbuild = createRequire(path.join(modules, 'x.js'))('esbuild');
const { policies } = await import(path.join(sources, 'policy.mjs'));
const { texts } = await import(path.join(sources, 'src/texts.js'));

// The bundler's names depend on the paths that it reads: here they are the same on every machine.
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ocu-page.'));
process.on('exit', () => fs.rmSync(work, { recursive: true }));
fs.cpSync(path.join(sources, 'src'), path.join(work, 'src'), { recursive: true });
fs.symlinkSync(modules, path.join(work, 'node_modules'));

const shared = {
  bundle: true, minify: true, format: 'esm', target: ['chrome122', 'firefox128', 'safari18'], platform: 'browser', outdir: '/out', write: false, metafile: true,
  absWorkingDir: work, preserveSymlinks: true, entryNames: '[name]-[hash]', legalComments: 'none', charset: 'utf8', logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  // Two branches of libraries that run in Node alone name its modules; here they are never reached.
  external: ['node:*', 'module', 'fs', 'url', 'path'],
};
const builds = [
  await esbuild.build({ ...shared, entryPoints: { page: 'src/page/main.js' } }),
  await esbuild.build({ ...shared, entryPoints: { page: 'src/page/page.css' } }),
  await esbuild.build({ ...shared, entryPoints: { frame: 'src/frame/main.js' }, splitting: true, chunkNames: '[name]-[hash]' }),
  await esbuild.build({ ...shared, entryPoints: { frame: 'src/frame/frame.css' } }),
];

const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', html: 'text/html; charset=utf-8', svg: 'image/svg+xml', txt: 'text/plain; charset=utf-8' };
const extension = (name) => name.split('.').at(-1);

// What of whom is inside, by what the bundler read; and what was inside those already.
const brought = { jszip: ['pako', 'lie', 'immediate', 'readable-stream', 'setimmediate'], 'read-excel-file': ['saxen'] };

function parts() {
  const names = new Set();
  for (const { metafile } of builds) {
    for (const output of Object.values(metafile.outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
        const found = [...input.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].at(-1);
        if (found && bytesInOutput > 0) names.add(found[1]);
      }
    }
  }
  for (const name of [...names]) for (const each of brought[name] ?? []) names.add(each);
  const lock = JSON.parse(fs.readFileSync(path.join(sources, 'package-lock.json'), 'utf8'));
  return [...names].sort().map((name) => {
    const folder = path.join(modules, name);
    const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const file = fs.readdirSync(folder).filter((each) => /^(licen[cs]e|copying)/i.test(each)).sort()[0];
    const text = file ? fs.readFileSync(path.join(folder, file), 'utf8').replace(/\r\n/g, '\n') : `${license}\n`;
    return { name, version, license: typeof license === 'string' ? license : license?.type ?? 'see text', integrity: lock.packages[`node_modules/${name}`]?.integrity ?? '', text };
  });
}

const files = [];
function put(name, bytes, { policy = 'asset', cache = 'immutable' } = {}) {
  files.push({ name, bytes: Buffer.from(bytes), type: types[extension(name.includes('.') ? name : '.html')], policy, cache });
  return name;
}
function put_hashed(stem, ending, bytes) {
  return put(`/assets/${stem}-${digest(bytes).toUpperCase()}.${ending}`, bytes);
}

const bundled = parts();
const named = {};
for (const { outputFiles } of builds) {
  for (const file of outputFiles) {
    const name = `/assets/${path.basename(file.path)}`;
    put(name, file.contents);
    const stem = /^\/assets\/(page|frame)-[A-Z0-9]+\.(js|css)$/.exec(name);
    if (stem) named[`${stem[1]}.${stem[2]}`] = name;
  }
}
named.icon = put_hashed('icon', 'svg', fs.readFileSync(path.join(sources, 'src/page/icon.svg')));
named.licences = put_hashed('licences', 'txt', bundled.map((each) => `${each.name} ${each.version}: ${each.license}\n\n${each.text.trim()}\n`).join(`\n${'-'.repeat(72)}\n\n`));

function document_of(file) {
  return fs.readFileSync(path.join(sources, file), 'utf8').replace(/\{\{([\w.]+)\}\}/g, (_, key) => {
    const words = texts[key.replace(/^text\./, '')];
    if (key.startsWith('text.') && typeof words === 'string') return words.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
    if (!named[key]) throw new Error(`nothing is called ${key}`);
    return named[key];
  });
}
const page = document_of('src/page/index.html');
put('/', page, { policy: 'page', cache: 'revalidate' });
put('/embed', page, { policy: 'page', cache: 'revalidate' });
put('/frame', document_of('src/frame/frame.html'), { policy: 'frame', cache: 'revalidate' });

files.sort((one, other) => (one.name < other.name ? -1 : 1));
let offset = 0;
const bodies = [];
const lines = Object.entries(policies).flatMap(([policy, headers]) => Object.entries(headers).map(([name, value]) => ['header', policy, name, value]));
for (const file of files) {
  const packed = zlib.gzipSync(file.bytes, { level: 9 });
  packed[9] = 255;  // the byte that says on which system it was made
  lines.push(['file', file.name, file.type, file.policy, file.cache, `"${digest(file.bytes)}"`, offset, packed.length, file.bytes.length]);
  bodies.push(packed);
  offset += packed.length;
}
const head = lines.map((each) => `${each.join('\t')}\n`).join('');
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(path.join(out, 'page.pack'), Buffer.concat([Buffer.from(`ocu-page/1 ${Buffer.byteLength(head)}\n${head}`), ...bodies]));
fs.writeFileSync(path.join(out, 'parts.json'), `${JSON.stringify(bundled, null, 1)}\n`);
const first = files.filter((each) => each.name === '/' || /\/(page-.*|icon-.*)$/.test(each.name)).reduce((sum, each) => sum + zlib.gzipSync(each.bytes, { level: 9 }).length, 0);
console.log(`${files.length} files, ${offset} bytes packed; a first load is ${first}`);
if (first > 100_000) throw new Error('a first load is over 100 kB');
