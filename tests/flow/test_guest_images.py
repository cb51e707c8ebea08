# SPDX-License-Identifier: GPL-3.0-or-later
"""What the `full` guest image is for: a document, a chart, a picture of a page and a PDF made through MCP on both tiers, and looked at on the host (SX-1).

The image is 1,000 packages: it is built by `scripts/test --long`, or taken from OCU_FULL_IMAGE where somebody has built it already.
"""

import io
import os
import struct
import subprocess
import unittest
import zipfile
import zlib

from support.appliance import setting
from support.case import ApplianceCase, on_gvisor
from support.files_client import FilesClient

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SENTENCE = "The quick appliance confines seventeen sandboxes"

# Name, command, and what its output must hold: one call each, none needs a network.
PROGRAMS = (
    ("gcc and make", r"""mkdir -p c && cd c && printf '#include <stdio.h>\nint main(void) { printf("%%d\\n", 6 * 7); }\n' >a.c && printf 'a: a.c\n\tgcc -O1 -o a a.c\n' >Makefile
make -s && ./a""", "42"),
    ("node", "node -e 'console.log([3, 4000].reduce((a, b) => a * b) + require(\"os\").EOL.length)'", "12001"),
    ("npm", "mkdir -p dep app && (cd dep && npm init -y >/dev/null && echo 'module.exports = 42' >index.js) && cd app && npm init -y >/dev/null && "
            "npm install --offline --no-audit --no-fund ../dep >/dev/null && node -p 'require(\"dep\") + 1'", "43"),
    ("pandoc", "printf '# Title\\n\\nSome *words*.\\n' >a.md && pandoc a.md -o a.docx && pandoc a.docx -t plain", "Some words."),
    ("imagemagick", "convert -size 40x30 xc:red a.png && identify -format '%[fx:w*h]' a.png", "1200"),
    ("poppler", "convert -size 200x100 xc:white a.pdf && pdfinfo a.pdf && pdftoppm -png -r 50 a.pdf p && ls", "Pages:"),
    ("sqlite", "sqlite3 a.db 'create table t(x); insert into t values (20), (22); select sum(x) from t'", "42"),
    ("ffmpeg", "ffmpeg -v error -f lavfi -i testsrc=duration=1:size=64x48:rate=5 a.mp4 && "
               "ffprobe -v error -count_frames -show_entries stream=nb_read_frames,width -of csv=p=0 a.mp4", "64,5"),
    ("pandas and a workbook", "python3 -c \"import pandas as p; p.DataFrame({'a': [40, 2]}).to_excel('a.xlsx'); print(p.read_excel('a.xlsx')['a'].sum())\"", "42"),
    ("slides", "printf '# First\\n\\n- a p'o'int\\n' >a.md && pandoc a.md -o a.pptx && unzip -p a.pptx ppt/slides/slide1.xml", "a point"),
    ("java", "java -version 2>&1", "OpenJDK"),
    ("graphviz", "echo 'digraph { left -> right }' | dot -Tsvg", "left&#45;&gt;right"),
    ("vim", "printf 'one\\n' >a && { vim -es -c '%s/$/+two/' -c wq a; cat a; }", "one+two"),
    ("licences", "awk -F'\\t' '$1 == \"bash\" {print $3}' /usr/share/ocu/licences", "GPL-3+"),
)

CHART = r"""
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plot
figure = plot.figure(figsize=(4, 3), dpi=100)
plot.bar(["a", "b", "c"], [3, 5, 2], color="#1f4fd8")
plot.title("Sessions")
figure.savefig("/mnt/user-data/outputs/chart.png")
"""
DOCUMENT = f"""
import docx
made = docx.Document()
made.add_heading("Report", 1)
made.add_paragraph("{SENTENCE}.")
made.save("/mnt/user-data/outputs/report.docx")
"""
PAGE = f"""<!doctype html><body style="background:#1f4fd8;color:white;font:40px sans-serif"><h1>Served here</h1><p>{SENTENCE}"""


def pixels(png):
    """Width, height and the rows of a PNG of eight bits a channel, without interlace: enough for what the tools here write."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", png[:8]
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", png[16:29])
    assert (depth, interlace) == (8, 0) and colour in (2, 6), (depth, colour, interlace)
    at, packed = 8, b""
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        packed += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    raw, step, rows = zlib.decompress(packed), 3 if colour == 2 else 4, []
    before = bytearray(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        row = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + width * step]), before, step)
        rows.append([tuple(row[i:i + 3]) for i in range(0, len(row), step)])
        before = row
    return width, height, rows


def unfiltered(kind, row, above, step):
    for i, value in enumerate(row):
        left, up, corner = (row[i - step] if i >= step else 0), above[i], (above[i - step] if i >= step else 0)
        if kind == 4:
            nearest = left + up - corner
            guess = min((left, up, corner), key=lambda each: abs(nearest - each))
        else:
            guess = (0, left, up, (left + up) // 2)[kind]
        row[i] = (value + guess) & 255
    return row


def share(rows, colour, tolerance=12):
    """How much of a picture has a colour."""
    near = sum(all(abs(a - b) <= tolerance for a, b in zip(each, colour)) for row in rows for each in row)
    return near / sum(map(len, rows))


def full_image():
    """The image's path, or a skip that says why there is none."""
    given = os.environ.get("OCU_FULL_IMAGE")
    if given:
        return given
    if not os.environ.get("OCU_LONG"):
        raise unittest.SkipTest("the full guest image takes a quarter of an hour to build: scripts/test --long builds it, OCU_FULL_IMAGE names one")
    made = subprocess.run([f"{ROOT}/rootfs/guest/build", "full"], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise AssertionError("the full guest image could not be built")
    return made.stdout.strip()


def fetch():
    if os.environ.get("OCU_LONG"):
        full_image()


class FullImage(ApplianceCase):
    @classmethod
    def setUpClass(cls):
        before = setting("OCU_IMAGE")
        os.environ["OCU_IMAGE"] = full_image()
        try:
            super().setUpClass()
        finally:
            os.environ["OCU_IMAGE"] = before

    def fetched(self, name):
        answer = FilesClient(self.appliance, chat=self.client.chat).get("outputs/" + name)
        self.assertEqual(answer.status, 200, name)
        keep = os.environ.get("OCU_KEEP_PICTURES")  # a folder: for a person who wants to look
        if keep:
            with open(os.path.join(keep, f"{self.tier}-{name}"), "wb") as file:
                file.write(answer.body)
        return answer.body

    def written(self, path, text):
        self.client.call("create_file", path=path, file_text=text)

    def test_every_kind_of_program_works_offline(self):
        for name, command, wanted in PROGRAMS:
            with self.subTest(name):
                self.assertNotIn(wanted, command)  # an error that quotes the command would look like an answer
                text = self.client.bash(f"d=$(mktemp -d) && cd $d && {command}", timeout_s=100)
                self.assertIn(wanted, text)
                self.assertNotIn("[Exit code", text)

    def test_a_chart(self):
        self.written("/workspace/chart.py", CHART)
        self.client.bash("python3 chart.py", timeout_s=100)
        width, height, rows = pixels(self.fetched("chart.png"))
        self.assertEqual((width, height), (400, 300))
        self.assertTrue(0.15 < share(rows, (0x1f, 0x4f, 0xd8)) < 0.6, share(rows, (0x1f, 0x4f, 0xd8)))  # the bars
        self.assertGreater(share(rows, (255, 255, 255)), 0.3)

    def test_a_document_and_the_pdf_of_it(self):
        self.written("/workspace/document.py", DOCUMENT)
        text = self.client.bash("python3 document.py && cd /mnt/user-data/outputs && soffice --headless --convert-to pdf report.docx && pdftotext report.pdf -",
                                timeout_s=110)
        self.assertIn(SENTENCE, text)
        with zipfile.ZipFile(io.BytesIO(self.fetched("report.docx"))) as package:
            self.assertIn(SENTENCE.encode(), package.read("word/document.xml"))
        pdf = self.fetched("report.pdf")
        self.assertTrue(pdf.startswith(b"%PDF-") and b"%%EOF" in pdf[-16:], pdf[:16])
        self.assertIn(b"/FontFile", pdf)  # words, not a picture of words

    def test_a_picture_of_a_page_that_the_guest_serves(self):
        self.written("/workspace/site/index.html", PAGE)
        text = self.client.bash("""cd /workspace/site && { python3 -m http.server --bind 127.0.0.1 8123 >/dev/null 2>&1 & server=$!; }
until curl -s -o /dev/null http://127.0.0.1:8123/; do sleep 0.1; done
chromium --headless --hide-scrollbars --window-size=800,600 --screenshot=/mnt/user-data/outputs/page.png http://127.0.0.1:8123/ 2>&1 | tail -3
kill $server; tesseract /mnt/user-data/outputs/page.png - 2>/dev/null""", timeout_s=110)
        width, height, rows = pixels(self.fetched("page.png"))
        self.assertEqual((width, height), (800, 600))
        self.assertGreater(share(rows, (0x1f, 0x4f, 0xd8)), 0.6)
        self.assertGreater(share(rows, (255, 255, 255)), 0.01)
        self.assertIn("quick appliance confines", " ".join(text.split()))


FullImageOnGvisor = on_gvisor(FullImage)
