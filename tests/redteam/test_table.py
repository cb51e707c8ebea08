# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of attempts that a reader is given says what the tests do (T-04)."""

import os
import re
import unittest

from programs import PROGRAMS
from table import table
from ways import ESCAPE, GRANTED_BY_GVISOR, METADATA, MOUNT

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


class Table(unittest.TestCase):
    ways = ESCAPE + METADATA + MOUNT

    def test_the_committed_table_is_the_generated_one(self):
        self.assertEqual(text_of("docs/redteam.md"), table(), "python3 tests/redteam/table.py > docs/redteam.md")

    def test_every_attempt_has_a_name_and_a_known_threat(self):
        known = set(re.findall(r"^\| (T-\d\d) \|", text_of("SECURITY.md"), re.M))
        self.assertEqual({way.threat for way in [*self.ways, *PROGRAMS]} - known, set())
        names = [way.name for way in self.ways]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(set(GRANTED_BY_GVISOR) - {way.name for way in ESCAPE}, set())

    def test_there_are_at_least_sixty_with_their_threats(self):
        self.assertGreaterEqual(len(re.findall(r"^\| [^|]+ \| T-\d\d \|", text_of("docs/redteam.md"), re.M)), 60)
        self.assertIn("docs/redteam.md", text_of("SECURITY.md"))
