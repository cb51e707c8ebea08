// SPDX-License-Identifier: GPL-3.0-or-later
// Slides as their text, in the order of the presentation, with their pictures.

import { make } from '../../dom.js';
import { texts } from '../../texts.js';
import { parts, refuse_bombs } from '../unpacked.js';

const drawing = 'http://schemas.openxmlformats.org/drawingml/2006/main';
const relation = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const pictures = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif' };

const xml = (bytes) => new DOMParser().parseFromString(new TextDecoder().decode(bytes), 'application/xml');

function targets(bytes) {
  if (!bytes) return new Map();
  return new Map([...xml(bytes).getElementsByTagName('Relationship')].map((each) => [each.getAttribute('Id'), each.getAttribute('Target') ?? '']));
}

const base = (path) => path.split('/').at(-1);

function paragraphs(slide) {
  return [...slide.getElementsByTagNameNS(drawing, 'p')]
    .map((paragraph) => ({
      level: Number(paragraph.getElementsByTagNameNS(drawing, 'pPr')[0]?.getAttribute('lvl') ?? 0),
      text: [...paragraph.getElementsByTagNameNS(drawing, 't')].map((run) => run.textContent).join(''),
    }))
    .filter((each) => each.text.trim());
}

function slide_view(number, slide, related, files) {
  const lines = paragraphs(slide);
  const images = [...slide.getElementsByTagNameNS(drawing, 'blip')]
    .map((blip) => `ppt/media/${base(related.get(blip.getAttributeNS(relation, 'embed')) ?? '')}`)
    .filter((name) => files[name])
    .map((name) => make('img', { alt: '', src: URL.createObjectURL(new Blob([files[name]], { type: pictures[name.split('.').at(-1).toLowerCase()] })) }));
  const [title, ...rest] = lines;
  return make('section', { class: 'slide', 'aria-label': texts.slide(number) },
    make('p', { class: 'small' }, texts.slide(number)),
    title ? make('h2', {}, title.text) : make('p', { class: 'note' }, texts.no_text_on_slide),
    make('div', { class: 'points' }, ...rest.map((each) => {
      const line = make('p', {}, each.text);
      line.style.marginLeft = `${Math.min(each.level, 8) * 1.4}em`;
      return line;
    })), ...images);
}

export default async function render(file, place) {
  const bytes = await file.whole(64 << 20);
  refuse_bombs(bytes);
  const files = parts(bytes, (name) => /^ppt\/(presentation\.xml|_rels\/presentation\.xml\.rels|slides\/(_rels\/)?[^/]+|media\/[^/]+\.(png|jpe?g|gif))$/i.test(name));
  const order = targets(files['ppt/_rels/presentation.xml.rels']);
  const ids = [...xml(files['ppt/presentation.xml']).getElementsByTagName('*')].filter((each) => each.localName === 'sldId');
  ids.forEach((each, index) => {
    const name = base(order.get(each.getAttributeNS(relation, 'id')) ?? '');
    const slide = files[`ppt/slides/${name}`];
    if (slide) place.append(slide_view(index + 1, xml(slide), targets(files[`ppt/slides/_rels/${name}.rels`]), files));
  });
}
