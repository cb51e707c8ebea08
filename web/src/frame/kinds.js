// SPDX-License-Identifier: GPL-3.0-or-later
// What a file is shown as: by its first bytes where they say it, else by its name. Pure.

import hex from './render/hex.js';

const text_at = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));

const images = [
  [(b) => text_at(b, 0, 4) === '\x89PNG', 'image/png'],
  [(b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff, 'image/jpeg'],
  [(b) => text_at(b, 0, 4) === 'GIF8', 'image/gif'],
  [(b) => text_at(b, 0, 4) === 'RIFF' && text_at(b, 8, 4) === 'WEBP', 'image/webp'],
  [(b) => text_at(b, 4, 8) === 'ftypavif' || text_at(b, 4, 8) === 'ftypavis', 'image/avif'],
  [(b) => text_at(b, 0, 2) === 'BM' && b.length > 26, 'image/bmp'],
  [(b) => text_at(b, 0, 4) === '\0\0\x01\0', 'image/x-icon'],
];
const media = [
  [(b) => text_at(b, 4, 4) === 'ftyp', (name) => (/\.(m4a|m4b|aac)$/.test(name) ? 'audio/mp4' : 'video/mp4')],
  [(b) => b[0] === 0x1a && b[1] === 0x45 && b[2] === 0xdf && b[3] === 0xa3, (name) => (/\.weba$/.test(name) ? 'audio/webm' : 'video/webm')],
  [(b) => text_at(b, 0, 4) === 'OggS', (name) => (/\.ogv$/.test(name) ? 'video/ogg' : 'audio/ogg')],
  [(b) => text_at(b, 0, 4) === 'RIFF' && text_at(b, 8, 4) === 'WAVE', () => 'audio/wav'],
  [(b) => text_at(b, 0, 4) === 'fLaC', () => 'audio/flac'],
  [(b) => text_at(b, 0, 3) === 'ID3' || (b[0] === 0xff && (b[1] & 0xe6) === 0xe2), () => 'audio/mpeg'],
];
const load = {
  text: () => import('./render/text.js'),
  markdown: () => import('./render/markdown.js'),
  table: () => import('./render/table.js'),
  sheet: () => import('./render/sheet.js'),
  docx: () => import('./render/docx.js'),
  pptx: () => import('./render/pptx.js'),
  notebook: () => import('./render/notebook.js'),
  html: () => import('./render/html.js'),
  svg: () => import('./render/svg.js'),
  pdf: () => import('./render/pdf.js'),
  image: () => import('./render/image.js'),
  media: () => import('./render/media.js'),
  zip: () => import('./render/archive.js'),
  tar: () => import('./render/archive.js'),
  hex: () => Promise.resolve({ default: hex }),
};
const by_name = [
  [/\.(md|markdown)$/, 'markdown'],
  [/\.(csv|tsv|tab)$/, 'table'],
  [/\.ipynb$/, 'notebook'],
  [/\.(html?|xhtml)$/, 'html'],
  [/\.svg$/, 'svg'],
];
// A zip is what its parts are.
const zips = [[/\.docx$/, 'docx'], [/\.xlsx$/, 'sheet'], [/\.pptx$/, 'pptx']];

/** Text, or something else? A NUL byte near the beginning says something else, unless a byte order mark explains it. */
export function is_text(bytes) {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return true;
  return !bytes.subarray(0, 8192).includes(0);
}

/** {kind, type}: which renderer, and the media type for those who need one. */
export function kind_of(full_name, bytes) {
  const name = full_name.toLowerCase();
  const find = (table) => table.find(([test]) => (typeof test === 'function' ? test(bytes) : test.test(name)))?.[1];
  if (text_at(bytes, 0, 1024).includes('%PDF-')) return { kind: 'pdf' };
  const image = find(images);
  if (image) return { kind: 'image', type: image };
  const medium = find(media);
  if (medium) return { kind: 'media', type: medium(name) };
  if (text_at(bytes, 0, 4) === 'PK\x03\x04' || text_at(bytes, 0, 4) === 'PK\x05\x06') return { kind: find(zips) ?? 'zip' };
  if (bytes[0] === 0x1f && bytes[1] === 0x8b && /\.(tgz|tar\.gz)$/.test(name)) return { kind: 'tar', type: 'gzip' };
  if (text_at(bytes, 257, 5) === 'ustar') return { kind: 'tar' };
  if (!is_text(bytes)) return { kind: 'hex' };
  return { kind: find(by_name) ?? 'text' };
}

export const renderer = async (kind) => (await load[kind]()).default;
