# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files of each kind that the preview page shows, made here with the standard library: {name: bytes}."""

import base64
import io
import json
import math
import os
import random
import struct
import tarfile
import wave
import zipfile
import zlib

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def png(width, height, colour_at):
    rows = b"".join(b"\0" + b"".join(bytes(colour_at(x, y)) for x in range(width)) for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 9))
            + chunk(b"IEND", b""))


def chart():
    return png(480, 270, lambda x, y: (47, 111, 235) if abs(y - 135 - 90 * math.sin(x / 40)) < 3 else (235, 240, 248) if (x // 40 + y // 40) % 2 else (250, 251, 253))


def zipped(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return out.getvalue()


def relations(targets):
    lines = "".join(f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1))
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


def content_types(overrides):
    lines = "".join(f'<Override PartName="{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/>' for name, kind in overrides.items())
    return (f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>{lines}</Types>')


def docx(paragraphs, link=None):
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    styled = lambda style: f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    text = "".join(f'<w:p>{styled(style)}<w:r>{"<w:rPr><w:b/></w:rPr>" if bold else ""}<w:t xml:space="preserve">{words}</w:t></w:r></w:p>'
                   for style, bold, words in paragraphs)
    cell = lambda words: f"<w:tc><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:tc>"
    table = "<w:tbl>" + "".join(f"<w:tr>{cell(a)}{cell(b)}</w:tr>" for a, b in (("Quarter", "Revenue"), ("Q1", "1,204"), ("Q2", "1,377"))) + "</w:tbl>"
    linked = f'<w:p><w:hyperlink r:id="rId2"><w:r><w:t>a link</w:t></w:r></w:hyperlink></w:p>' if link else ""
    styles = "".join(f'<w:style w:type="paragraph" w:styleId="{each}"><w:name w:val="{name}"/></w:style>' for each, name in (("Heading1", "heading 1"), ("Heading2", "heading 2")))
    rels = relations([("styles", "styles.xml")])
    if link:
        rels = rels.replace("</Relationships>", f'<Relationship Id="rId2" Type="{OFFICE}/hyperlink" Target="{link}" TargetMode="External"/></Relationships>')
    return zipped({
        "[Content_Types].xml": content_types({"/word/document.xml": "wordprocessingml.document.main", "/word/styles.xml": "wordprocessingml.styles"}),
        "_rels/.rels": relations([("officeDocument", "word/document.xml")]),
        "word/_rels/document.xml.rels": rels,
        "word/styles.xml": f'{HEAD}<w:styles xmlns:w="{word}">{styles}</w:styles>',
        "word/document.xml": f'{HEAD}<w:document xmlns:w="{word}" xmlns:r="{OFFICE}"><w:body>{text}{linked}{table}</w:body></w:document>',
    })


def xlsx(sheets):
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

    def cell(row, column, value):
        at = f"{chr(65 + column)}{row + 1}"
        if isinstance(value, str):
            return f'<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c r="{at}"{" s=" + chr(34) + "1" + chr(34) if value > 40000 else ""}><v>{value}</v></c>'

    parts = {f"xl/worksheets/sheet{n}.xml": f'{HEAD}<worksheet xmlns="{main}"><sheetData>' + "".join(
        f'<row r="{r + 1}">' + "".join(cell(r, c, value) for c, value in enumerate(row)) + "</row>" for r, row in enumerate(rows)) + "</sheetData></worksheet>"
        for n, rows in enumerate(sheets.values(), 1)}
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    return zipped({
        "[Content_Types].xml": content_types({"/xl/workbook.xml": "spreadsheetml.sheet.main", "/xl/styles.xml": "spreadsheetml.styles",
                                              **{f"/{name}": "spreadsheetml.worksheet" for name in parts}}),
        "_rels/.rels": relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{main}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations([("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)] + [("styles", "styles.xml")]),
        "xl/styles.xml": f'{HEAD}<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        **parts,
    })


def pptx(slides, picture):
    drawing, show = "http://schemas.openxmlformats.org/drawingml/2006/main", "http://schemas.openxmlformats.org/presentationml/2006/main"
    names = f'xmlns:a="{drawing}" xmlns:p="{show}" xmlns:r="{OFFICE}"'
    parts = {}
    for n, lines in enumerate(slides, 1):
        text = "".join(f'<a:p><a:pPr lvl="{level}"/><a:r><a:t>{words}</a:t></a:r></a:p>' for level, words in lines)
        image = '<p:pic><p:blipFill><a:blip r:embed="rId1"/></p:blipFill></p:pic>' if n == 1 else ""
        parts[f"ppt/slides/slide{n}.xml"] = f"{HEAD}<p:sld {names}><p:cSld><p:spTree><p:sp><p:txBody>{text}</p:txBody></p:sp>{image}</p:spTree></p:cSld></p:sld>"
        parts[f"ppt/slides/_rels/slide{n}.xml.rels"] = relations([("image", "../media/image1.png")])
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    return zipped({
        "[Content_Types].xml": content_types({"/ppt/presentation.xml": "presentationml.presentation.main"}),
        "_rels/.rels": relations([("officeDocument", "ppt/presentation.xml")]),
        "ppt/presentation.xml": f"{HEAD}<p:presentation {names}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations([("slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1)]),
        "ppt/media/image1.png": picture, **parts,
    })


def pdf(pages, action=None):
    objects = []
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    opens = f" /OpenAction << /S /JavaScript /JS ({action}) >>" if action else ""
    objects.append(f"<< /Type /Catalog /Pages 2 0 R{opens} >>")
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for lines in pages:
        stream = "0.18 0.43 0.92 rg 50 770 495 6 re f 0 g BT /F1 26 Tf 50 720 Td " + " ".join(
            f"({line}) Tj /F1 13 Tf 0 -30 Td" for line in lines) + " ET"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {len(objects) + 2} 0 R >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, places = b"%PDF-1.4\n", []
    for n, each in enumerate(objects, 1):
        places.append(len(out))
        out += f"{n} 0 obj\n{each}\nendobj\n".encode()
    table = "".join(f"{each:010} 00000 n \n" for each in places)
    return out + (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n").encode()


def sound():
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n / 6))) for n in range(8000)))
    return out.getvalue()


def tar(names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 7
            made.addfile(info, io.BytesIO(b"content"))
    return out.getvalue()


def notebook(picture):

    cell = lambda source, outputs=(), number=1: {"cell_type": "code", "execution_count": number, "metadata": {}, "source": source, "outputs": list(outputs)}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}, "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Measurements\n", "Three *runs* and their **mean**."]},
        cell(["import statistics\n", "runs = [3.1, 2.9, 3.0]\n", "print(statistics.mean(runs))"], [{"output_type": "stream", "name": "stdout", "text": ["3.0\n"]}]),
        cell("plot(runs)", [{"output_type": "display_data", "metadata": {}, "data": {"image/png": base64.b64encode(picture).decode(), "text/plain": "<Figure>"}}], 2),
        cell("frame", [{"output_type": "execute_result", "execution_count": 3, "metadata": {}, "data": {
            "text/html": "<table><tr><th>run</th><th>value</th></tr><tr><td>1</td><td>3.1</td></tr></table><img src=x onerror=alert(1)>", "text/plain": "t"}}], 3),
        cell("1/0", [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "", "traceback": ["\u001b[31mZeroDivisionError\u001b[0m: division by zero"]}], 4),
    ]}).encode()


MARKDOWN = """# Findings

The agent measured **three** runs; see `results.csv`.

| run | seconds |
|-----|--------:|
| 1   | 3.1     |
| 2   | 2.9     |

> The second run was warm.

- [x] plots made
- [ ] review

```python
def mean(values: list[float]) -> float:
    return sum(values) / len(values)  # no outliers here
```

[A link](https://example.com/) is shown and leads nowhere by itself.
"""

PYTHON = '''"""Mean of the runs."""
import csv
import sys


def read(path: str) -> list[float]:
    with open(path, encoding="utf-8") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


if __name__ == "__main__":
    values = read(sys.argv[1])
    print(f"{sum(values) / len(values):.3f} s over {len(values)} runs")
'''


def all_kinds():
    lots = random.Random(7)
    rows = "".join(f'{n},"region {n % 7}, north",{lots.randint(1, 99999)},{lots.random():.4f}\r\n' for n in range(1, 1501))
    picture = chart()
    return {
        "outputs/report.md": MARKDOWN.encode(),
        "outputs/mean.py": PYTHON.encode(),
        "outputs/results.csv": ("id,name,amount,share\r\n" + rows).encode(),
        "outputs/tabbed.tsv": b"a\tb\n1\t2\n3\t4\n",
        "outputs/chart.png": picture,
        "outputs/drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100"><rect width="200" height="100" fill="#e8eefc"/>'
                               b'<circle cx="60" cy="50" r="34" fill="#2f6feb"/><text x="110" y="56" font-size="20">Drawing</text></svg>',
        "outputs/paper.pdf": pdf([["A paper of two pages", "Text over it can be selected.", "Third line."], ["Second page", "The end."]]),
        "outputs/letter.docx": docx([("Heading1", False, "Quarterly letter"), ("", False, "Revenue rose in both quarters."), ("Heading2", False, "Figures"),
                                     ("", True, "In thousands:")]),
        "outputs/figures.xlsx": xlsx({"Revenue": [["Day", "Region", "Amount"], [45292, "north", 12.5], [45293, "south", 13.25]], "Notes": [["Text"], ["second sheet"]]}),
        "outputs/talk.pptx": pptx([[(0, "Results in one slide"), (0, "Faster by a third"), (1, "on the second run")], [(0, "Questions?")]], picture),
        "outputs/analysis.ipynb": notebook(picture),
        "outputs/page.html": b"<!doctype html><html><head><style>h1{color:#b3261e;font-family:sans-serif}</style></head><body><h1>A page</h1><p>With <b>style</b>.</p></body></html>",
        "outputs/tone.wav": sound(),
        "outputs/bundle.zip": zipped({"readme.txt": "hello", "data/values.json": "[1, 2, 3]" * 50}),
        "outputs/sources.tar.gz": tar(["src/main.c", "src/main.h", "README"]),
        "outputs/model.bin": bytes(range(256)) * 8,
        "outputs/long.log": b"".join(b"%06d a line of a long log\n" % n for n in range(60_000)),
        "outputs/empty.txt": b"",
        "outputs/deep/er/notes.txt": "Grüße aus der Tiefe\n".encode(),
        "uploads/question.txt": b"What is the mean?\n",
    }


def hostile():
    """What needs a writer of ours; the rest of the hostile files is text that the tests write themselves."""
    return {
        "hostile/action.pdf": pdf([["Hostile"]], action="app.launchURL\\('http://trap.invalid/js'\\); this.submitForm\\('http://trap.invalid/form'\\);"),
        "hostile/link.docx": docx([("", False, "A link that is script:")], link="javascript:alert(document.domain)"),
    }


def write_all(folder):

    for name, data in {**all_kinds(), **hostile()}.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
