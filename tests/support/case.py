# SPDX-License-Identifier: GPL-3.0-or-later
"""Test cases against one running appliance for each class, on each tier that the class names."""

import unittest

from support import leftovers
from support.appliance import Appliance
from support.mcp import Mcp, Refused


class ApplianceCase(unittest.TestCase):
    tier = "runc"
    changes = None
    callers = ("dev",)
    prepare_state = None  # what is done before the first start, with the state directory's path
    appliance = None

    @classmethod
    def setUpClass(cls):
        cls.before = leftovers.snapshot()
        cls.appliance = Appliance(tier=cls.tier, changes=cls.changes, callers=cls.callers, prepare_state=cls.prepare_state).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.appliance.stop()
            left = leftovers.settle(cls.before)
            if left:
                raise AssertionError(f"left behind after {cls.__name__}: {left}")
        finally:
            cls.appliance.remove()

    def setUp(self):
        self.client = self.chat(self.id().rsplit(".", 1)[1][:100])

    def chat(self, name, **options):
        made = Mcp(self.appliance, chat=name, **options)
        self.addCleanup(made.close)
        return made

    def refused(self, call):
        """The error that `call` is refused with, as text."""
        try:
            result = call()
        except Refused as error:
            return str(error)
        self.fail(f"was not refused: {str(result)[:300]}")
        return ""


def on_gvisor(case):
    """The same tests on the other tier, as a class of its own beside the first."""
    return type(case.__name__ + "OnGvisor", (case,), {"tier": "gvisor", "__module__": case.__module__})
