// SPDX-License-Identifier: GPL-3.0-or-later
// Files as rows: areas, folders, names. Pure: from the flat list to what is seen; the DOM is list.js's.

export const rows_max = 2000;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
const areas = ['outputs', 'uploads'];

/** [{kind: 'folder'|'file', path, name, level, open, entry}], and how many files match in all. */
export function rows_of(files, { closed, filter }) {
  const wanted = filter.trim().toLocaleLowerCase();
  const matching = wanted ? files.filter((each) => each.path.toLocaleLowerCase().includes(wanted)) : files;
  const root = new Map(areas.map((area) => [area, { folders: new Map(), files: [] }]));
  for (const entry of matching) {
    const parts = entry.path.split('/');
    let folder = root.get(parts[0]);
    if (!folder) continue;
    for (const part of parts.slice(1, -1)) {
      if (!folder.folders.has(part)) folder.folders.set(part, { folders: new Map(), files: [] });
      folder = folder.folders.get(part);
    }
    folder.files.push({ name: parts.at(-1), entry });
  }
  const rows = [];
  for (const area of areas) {
    const folder = root.get(area);
    if (folder.folders.size || folder.files.length) add(rows, folder, area, area, 1, wanted ? new Set() : closed);
  }
  return { rows: rows.slice(0, rows_max), all: matching.length, cut: rows.length > rows_max };
}

function add(rows, folder, path, name, level, closed) {
  const open = !closed.has(path);
  rows.push({ kind: 'folder', path, name, level, open });
  if (!open || rows.length > rows_max) return;
  for (const each of [...folder.folders.keys()].sort(collator.compare))
    add(rows, folder.folders.get(each), `${path}/${each}`, each, level + 1, closed);
  for (const each of folder.files.sort((one, other) => collator.compare(one.name, other.name)))
    rows.push({ kind: 'file', path: each.entry.path, name: each.name, level: level + 1, entry: each.entry });
}

/** Paths in `now` that were not there, or are other bytes than before. */
export function news(before, now) {
  return {
    added: [...now.keys()].filter((path) => !before.has(path)),
    changed: [...now.values()].filter((each) => before.has(each.path) && before.get(each.path).etag !== each.etag).map((each) => each.path),
  };
}
