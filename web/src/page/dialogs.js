// SPDX-License-Identifier: GPL-3.0-or-later
// The two dialogs: a question, and help. Both are the browser's own, so that focus and Escape behave as people expect.

import { by_id, make } from '../dom.js';
import { texts } from '../texts.js';

/** True when the reader pressed the button that says `yes`. Cancel has the focus: nothing is lost by pressing Enter twice. */
export function ask(question, yes) {
  return new Promise((resolve) => {
    const no = make('button', { type: 'submit', value: 'no', autofocus: true }, texts.cancel);
    const form = make('form', { method: 'dialog' }, make('p', { id: 'question' }, question),
      make('div', { class: 'buttons' }, no, make('button', { type: 'submit', value: 'yes', class: 'strong' }, yes)));
    const dialog = make('dialog', { 'aria-labelledby': 'question' }, form);
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

const stored = 'single-keys';

/** Whether one-letter keys act; remembered where the browser lets us. */
export function single_keys() {
  try {
    return localStorage.getItem(stored) !== 'off';
  } catch {
    return true;
  }
}

export function help() {
  const box = make('input', { type: 'checkbox', id: 'single-keys', checked: single_keys() });
  box.addEventListener('change', () => {
    try {
      localStorage.setItem(stored, box.checked ? 'on' : 'off');
    } catch {
      // Not remembered then: the browser keeps nothing for this page.
    }
  });
  const licences = by_id('licences').content;
  const dialog = make('dialog', { 'aria-labelledby': 'help-title', class: 'help' },
    make('h2', { id: 'help-title' }, texts.help_title),
    make('dl', {}, ...texts.keys.flatMap(([key, words]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, words)])),
    make('p', {}, box, make('label', { for: 'single-keys' }, texts.single_keys)),
    make('p', { class: 'small' }, texts.help_safety),
    make('p', { class: 'small' }, make('a', { href: licences, target: '_blank', rel: 'noopener' }, texts.licences)),
    make('form', { method: 'dialog', class: 'buttons' }, make('button', { type: 'submit', class: 'strong', autofocus: true }, texts.close)));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
