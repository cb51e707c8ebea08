// SPDX-License-Identifier: GPL-3.0-or-later
// Markup of strangers, made harmless: DOMPurify, and what it lets through that could still reach out (the policy of this document would stop
// it; here it is not even tried). Links are shown and do not lead anywhere by themselves.

import DOMPurify from 'dompurify';

const forbidden_tags = ['form', 'input', 'button', 'select', 'textarea', 'link', 'meta', 'base', 'iframe', 'object', 'embed', 'dialog', 'portal', 'template', 'slot'];
const forbidden_attributes = ['srcset', 'ping', 'background', 'action', 'formaction', 'target', 'autofocus', 'contenteditable', 'popovertarget'];
const inside = /^(?:data:image\/(?:png|jpeg|gif|webp|avif|bmp);|blob:)/i;

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.hasAttribute('src') && !inside.test(node.getAttribute('src'))) node.removeAttribute('src');
  if (node.localName === 'img' && !node.hasAttribute('alt')) node.setAttribute('alt', '');
  for (const name of ['poster', 'xlink:href']) if (node.hasAttribute(name) && !inside.test(node.getAttribute(name))) node.removeAttribute(name);
  if (node.localName === 'a' && node.hasAttribute('href') && !node.getAttribute('href').startsWith('#')) {
    node.setAttribute('title', node.getAttribute('href'));
    node.removeAttribute('href');
    node.classList.add('away');
  } else if (node.localName !== 'a' && node.hasAttribute('href') && !node.getAttribute('href').startsWith('#')) {
    node.removeAttribute('href');
  }
});

/** A fragment to put into this document: no styles of its own. */
export const clean_fragment = (markup) => DOMPurify.sanitize(markup, {
  RETURN_DOM_FRAGMENT: true,
  FORBID_TAGS: [...forbidden_tags, 'style', 'svg', 'math'],
  FORBID_ATTR: [...forbidden_attributes, 'style', 'class', 'id', 'name'],
});

/** A whole document's text, for a nested frame that runs nothing. Styles stay: they can reach nothing from there. */
export const clean_document = (markup) => DOMPurify.sanitize(markup, {
  WHOLE_DOCUMENT: true,
  FORBID_TAGS: forbidden_tags,
  FORBID_ATTR: forbidden_attributes,
  ADD_TAGS: ['style'],
});
