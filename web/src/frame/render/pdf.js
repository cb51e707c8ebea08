// SPDX-License-Identifier: GPL-3.0-or-later
// PDF: pages drawn on canvases as they come into view, with their text over them to be selected and read aloud. No scripts, forms or links of the
// document run; the library's worker runs on this frame's own thread, because a frame of nobody's origin gets no other.

import * as pdfjs from 'pdfjs-dist';
import { make } from '../../dom.js';
import { texts } from '../../texts.js';
import { Shown } from '../shown.js';

const pages_at_once = 20;
const pixels_max = 8 << 20;  // of one page

class PageView {
  constructor(document_, number, size, width) {
    this.document = document_;
    this.number = number;
    this.scale = width / size.width;
    this.element = make('section', { class: 'page', 'aria-label': texts.page_of(number, document_.numPages) });
    this.element.style.width = `${Math.floor(size.width * this.scale)}px`;
    this.element.style.height = `${Math.floor(size.height * this.scale)}px`;
    this.drawn = false;
  }
  async draw() {
    if (this.drawn) return;
    this.drawn = true;
    const page = await this.document.getPage(this.number);
    const viewport = page.getViewport({ scale: this.scale });
    let ratio = Math.min(2, window.devicePixelRatio || 1);
    ratio *= Math.min(1, Math.sqrt(pixels_max / (viewport.width * viewport.height * ratio * ratio)));
    const canvas = make('canvas', { width: Math.floor(viewport.width * ratio), height: Math.floor(viewport.height * ratio), 'aria-hidden': 'true' });
    this.element.style.width = `${Math.floor(viewport.width)}px`;
    this.element.style.height = `${Math.floor(viewport.height)}px`;
    this.element.append(canvas);
    await page.render({ canvas, viewport, transform: [ratio, 0, 0, ratio, 0, 0], annotationMode: pdfjs.AnnotationMode.DISABLE }).promise;
    const words = make('div', { class: 'textLayer' });
    words.style.setProperty('--total-scale-factor', this.scale);
    words.style.setProperty('--scale-factor', this.scale);
    this.element.append(words);
    await new pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: words, viewport }).render();
  }
}

export default async function render(file, place) {
  await import('pdfjs-dist/build/pdf.worker.mjs');
  // A copy: the library takes the buffer away, and the first bytes are shown when it fails.
  const bytes = (await file.whole()).slice();
  const opening = pdfjs.getDocument({ data: bytes, isEvalSupported: false, enableXfa: false, useSystemFonts: true, useWasm: false, useWorkerFetch: false,
    stopAtErrors: false, verbosity: 0, isOffscreenCanvasSupported: true });
  opening.onPassword = () => opening.destroy();
  const opened = await opening.promise.catch((error) => {
    throw opening.destroyed || error?.name === 'PasswordException' ? new Shown(texts.encrypted) : error;
  });
  const width = Math.min(900, Math.max(240, document.documentElement.clientWidth - 32));
  const observer = new IntersectionObserver((seen) => {
    for (const each of seen) if (each.isIntersecting) views.get(each.target)?.draw().catch(() => each.target.append(make('p', { class: 'note' }, texts.broken)));
  }, { rootMargin: '600px' });
  const views = new Map();
  const pages = make('div', { class: 'pages' });
  const button = make('button', { type: 'button', class: 'more' });
  const size = (await opened.getPage(1)).getViewport({ scale: 1 });
  function add() {
    const from = views.size + 1;
    for (let number = from; number < from + pages_at_once && number <= opened.numPages; number += 1) {
      const view = new PageView(opened, number, size, width);
      views.set(view.element, view);
      pages.append(view.element);
      observer.observe(view.element);
    }
    button.hidden = views.size >= opened.numPages;
    button.textContent = texts.more_pages(views.size, opened.numPages);
  }
  button.addEventListener('click', add);
  add();
  place.append(pages, button);
}
