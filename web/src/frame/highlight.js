// SPDX-License-Identifier: GPL-3.0-or-later
// Colours for code in the languages that agents write most. The library makes escaped markup from text; it is read back as a document
// that nothing runs in, and only its spans are taken.

import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import latex from 'highlight.js/lib/languages/latex';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import perl from 'highlight.js/lib/languages/perl';
import php from 'highlight.js/lib/languages/php';
import powershell from 'highlight.js/lib/languages/powershell';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const languages = { bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, latex, lua, makefile, perl, php,
  powershell, python, r, ruby, rust, sql, swift, typescript, xml, yaml };
for (const [name, definition] of Object.entries(languages)) hljs.registerLanguage(name, definition);

const extensions = {
  sh: 'bash', bash: 'bash', zsh: 'bash', h: 'cpp', hpp: 'cpp', cc: 'cpp', cxx: 'cpp', cs: 'csharp', scss: 'css', patch: 'diff', toml: 'ini', cfg: 'ini',
  conf: 'ini', js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript', kt: 'kotlin', tex: 'latex', mk: 'makefile', pl: 'perl',
  ps1: 'powershell', py: 'python', pyi: 'python', rb: 'ruby', rs: 'rust', ts: 'typescript', tsx: 'typescript', html: 'xml', htm: 'xml', svg: 'xml',
  yml: 'yaml', jsonl: 'json', geojson: 'json', ipynb: 'json',
};

export function language_of(name) {
  const lower = name.toLowerCase();
  if (lower === 'dockerfile' || lower === 'makefile') return lower;
  const extension = /\.([a-z0-9]+)$/.exec(lower)?.[1] ?? '';
  return extensions[extension] ?? (hljs.getLanguage(extension) ? extension : '');
}

export const known_language = (name) => (hljs.getLanguage(name) ? name : '');

/** A fragment of spans and text. */
export function highlight(text, language) {
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  const parsed = new DOMParser().parseFromString(`<body>${value}`, 'text/html');
  const fragment = document.createDocumentFragment();
  fragment.append(...parsed.body.childNodes);
  return fragment;
}
