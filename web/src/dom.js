// SPDX-License-Identifier: GPL-3.0-or-later
// Elements from values. Text is always a text node: nothing that comes from a file or a name is ever parsed as markup here.

/** make('button', {class: 'x', onclick: f}, 'text', child) */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(...children.filter((each) => each !== undefined && each !== null && each !== false));
  return element;
}

export const by_id = (id) => document.getElementById(id);
