# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one file of tests and prints what became of each, then `SUITE passed failed skipped`.   usage: main.py FILE [PATTERN]

With OCU_FETCH it runs the file's `fetch()` and nothing else: what the tests need from elsewhere, for they may run where there is no network."""

import importlib.util
import os
import sys
import time
import unittest


class Lines(unittest.TestResult):
    passed = 0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def say(self, word, test, text=""):
        took = time.monotonic() - getattr(self, "started", time.monotonic())
        name = test.id() if "(" in test.id() else test.id().split(".", 1)[-1]  # what a whole class does has brackets
        print(f"  {word:<5} {took:6.2f}s {name}" + (f": {text}" if text else ""), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("FAIL", test, "\n" + self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.say("FAIL", test, "\n" + self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("SKIP", test, reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say("FAIL", subtest, "\n" + self._exc_info_to_string(err, test))

    def addExpectedFailure(self, test, err):
        self.addFailure(test, err)

    def addUnexpectedSuccess(self, test):
        self.passed += 1


def main():
    path = os.path.abspath(sys.argv[1])
    tests = os.path.dirname(os.path.dirname(path))
    sys.path[:0] = [tests, os.path.dirname(path)]
    if not os.environ.get("OCU_BINARY"):  # said before anything is set up that would have to be taken down again
        sys.exit("OCU_BINARY is not set: start these tests with scripts/test --only NAME")
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if os.environ.get("OCU_FETCH"):
        return module.fetch()
    loader = unittest.TestLoader()
    if len(sys.argv) > 2:
        loader.testNamePatterns = [f"*{sys.argv[2]}*"]
    if os.environ.get("OCU_QUICK"):
        # The other tier runs the same tests; what differs between tiers is for the whole run.
        for key, value in list(vars(module).items()):
            if isinstance(value, type) and getattr(value, "tier", "runc") != "runc":
                delattr(module, key)
    result = Lines()
    loader.loadTestsFromModule(module).run(result)
    failed = len(result.failures) + len(result.errors)
    print(f"SUITE {result.passed} {failed} {len(result.skipped)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
