// SPDX-License-Identifier: GPL-3.0-or-later
// Two or more views of one thing, as tabs that arrow keys go through.

import { make } from '../dom.js';
import { texts } from '../texts.js';
import source from './render/text.js';

/** `views`: [{label, view: element or () => element or its promise}]; made when first shown. */
export function tabs(place, views, extra = []) {
  const panel = make('div', { role: 'tabpanel', id: 'panel', class: 'panel' });
  const made = new Map();
  const buttons = views.map(({ label }, index) =>
    make('button', { type: 'button', role: 'tab', 'aria-controls': 'panel', id: `tab-${index}`, onclick: () => choose(index) }, label));
  async function choose(index) {
    buttons.forEach((each, at) => {
      each.setAttribute('aria-selected', String(at === index));
      each.tabIndex = at === index ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', `tab-${index}`);
    const { view } = views[index];
    if (!made.has(index)) made.set(index, typeof view === 'function' ? await view() : view);
    panel.replaceChildren(made.get(index));
  }
  const list = make('div', { role: 'tablist' }, ...buttons);
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    buttons[next].focus();
    choose(next);
  });
  place.append(make('div', { class: 'bar' }, list, ...extra), panel);
  return choose(0);
}

export function with_source(file, place, shown, extra = []) {
  return tabs(place, [
    { label: texts.as_page, view: shown },
    { label: texts.source, view: async () => {
      const listing = make('div', {});
      await source(file, listing);
      return listing;
    } },
  ], extra);
}
