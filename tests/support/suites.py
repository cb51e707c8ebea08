# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the suites and adds them up. Started by scripts/test, which says what the options mean."""

import argparse
import concurrent.futures
import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SUITES = ("tidy", "unit", "tsan", "process", "flow", "badday", "redteam", "mcp", "image", "boot", "fuzz", "reproducible")
QUICK = ("tidy", "unit", "process", "flow", "badday", "redteam")
TSAN_FOLDERS = ("wire", "gateway", "control")
FUZZ_SECONDS = 4
FILE_SECONDS_MAX = 1800
FILES_AT_ONCE = 2  # most of their time is waiting
LONGEST = ("preview_page", "egress_corpus", "guest")  # begun first, so that nothing waits for it at the end
FAILED = []  # the name of each thing that failed, printed again before the closing line: the end of a log is what is kept


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


def script(name, *words, env=None, cwd=ROOT):
    return subprocess.run([os.path.join(cwd, "scripts", name), *words], cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def printed(name, *words):
    return subprocess.run([os.path.join(ROOT, name), *words], text=True, stdout=subprocess.PIPE, check=True).stdout.strip()


def say(text):
    print(text, flush=True)


def fail(text, output=""):
    FAILED.append(text)
    say(f"  FAIL {text}")
    if output:
        say("\n".join("    " + line[:240] for line in output.splitlines()[-40:]))
    return Count(failed=1)


def build_folder(preset):
    return os.path.join(os.environ.get("OCU_BUILDS", f"{ROOT}/build"), preset)


def build(preset, *targets):
    """The build folder, and a Count that failed when something in it did not build."""
    folder = build_folder(preset)
    done = script("build", preset, "-k", "0", *targets, env={"OCU_BUILD": folder})
    if done.returncode == 0:
        return folder, Count()
    errors = [line for line in done.stdout.splitlines() if re.search(r"error|FAILED|undefined", line)]
    return folder, fail(f"build {preset} {' '.join(targets)}", "\n".join(errors or done.stdout.splitlines()))


def unit_folders(wanted):
    found = sorted(os.path.basename(os.path.dirname(p)) for p in glob.glob(f"{ROOT}/tests/unit/*/test_*.cpp"))
    return [each for each in dict.fromkeys(found) if wanted is None or each in wanted]


def catch2(command, report):
    """Runs one Catch2 program and counts its test cases."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd=ROOT)
    count = Count()
    try:
        cases = ElementTree.parse(report).getroot().iter("testcase")
        for case in cases:
            if (found := case.find("failure") if case.find("failure") is not None else case.find("error")) is not None:
                FAILED.append(f"{os.path.basename(report)[:-4]}: {case.get('name')}: {' '.join((found.text or '').split())[:300]}")
                count.failed += 1
            elif case.find("skipped") is not None:
                say(f"  SKIP {case.get('name')}: {case.find('skipped').get('message') or ''}")
                count.skipped += 1
            else:
                count.passed += 1
    except (OSError, ElementTree.ParseError):
        pass
    if count.failed or done.returncode not in (0, 4):
        count.add(fail(" ".join(command[-4:])[:120], done.stdout) if not count.failed else Count())
        if count.failed:
            say("\n".join("    " + line for line in done.stdout.splitlines()[-60:]))
    elif not count.passed and not count.skipped:
        count.add(fail(f"{command[-1]}: no test ran", done.stdout))
    return count


def units(preset, wanted):
    names = unit_folders(wanted)
    folder, count = build(preset, *[f"test_{each}" for each in names])
    sysroot = printed("scripts/toolchain/sysroot", "build")
    options = "--setenv ASAN_OPTIONS detect_leaks=1:abort_on_error=0 --setenv UBSAN_OPTIONS halt_on_error=1:print_stacktrace=1 " \
              "--setenv TSAN_OPTIONS halt_on_error=1"
    os.environ["OCU_BWRAP_EXTRA"] = options

    def run(name):
        report = f"{folder}/test_{name}.xml"
        if not os.path.exists(f"{folder}/test_{name}"):
            return Count()
        if os.path.exists(report):
            os.unlink(report)
        one = catch2([f"{ROOT}/scripts/toolchain/enter", sysroot, ROOT, folder, f"/build/test_{name}", "--reporter",
                      f"junit::out=/build/test_{name}.xml", "--reporter", "console::out=-"], report)
        say(f"  {preset} {name}: {one}")
        return one

    # Two at once: each has one thread that works, and a root, a network and processes of its own.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for one in pool.map(run, names):
            count.add(one)
    os.environ.pop("OCU_BWRAP_EXTRA")
    return count


def python_file(suite, path, pattern=(), cell=0):
    """One file in a process of its own. In a cell (a number from 1) it has network, processes and mounts of its own too, and what it says is
    kept until it has ended, so that another can run beside it and neither takes the other's for what it left behind."""
    name, started = os.path.basename(path)[5:-3], time.monotonic()
    enter = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "bash", "-c", 'ip link set lo up && "$@"; exit $?',
             "cell"] if cell else []  # the shell stays: somebody must reap
    env = {**os.environ, **({"OCU_SHARED": "1", "OCU_CELL": str(cell)} if cell else {})}
    process = subprocess.Popen([*enter, sys.executable, f"{ROOT}/tests/support/main.py", path, *pattern], stdout=subprocess.PIPE, text=True, env=env)
    last, failing, kept = "", False, [f" {suite}/{name}"]
    if not cell:
        say(kept.pop())
    for line in process.stdout:
        if line.startswith("SUITE "):
            last = line
            continue
        if line.startswith("  FAIL"):
            FAILED.append(f"{suite}/{name}: {line.split(maxsplit=2)[-1].strip()}")
        elif failing and re.match(r"\w*(\.\w+)*(Error|Exception|Refused|Expired)\b", line):  # a traceback's last word
            FAILED[-1] += " " + line.strip()[:300]
        failing = line.startswith("  FAIL") or (failing and not re.match(r"  (ok|SKIP) ", line))
        if cell:
            kept.append(line.rstrip("\n"))
        else:
            print(line, end="", flush=True)
    try:
        process.wait(FILE_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
    if kept:
        say("\n".join(kept))
    one = Count(*map(int, last.split()[1:4])) if last else fail(f"{suite}/{name} ended without a count")
    say(f"  {suite}/{name}: {one} ({time.monotonic() - started:.0f} s)")
    return one


def python_files(suite, pick, at_once=1):
    """Every file of a folder; they share nothing but the program that they start."""
    paths = sorted(glob.glob(f"{ROOT}/tests/{suite}/test_*.py"))
    if pick:
        paths = [each for each in paths if pick[0] in (os.path.basename(each)[5:-3], os.path.basename(each))]
    paths.sort(key=lambda path: os.path.basename(path)[5:-3] not in LONGEST)
    count = Count()
    if at_once == 1 or len(paths) < 2:
        for path in paths:
            count.add(python_file(suite, path, pick[1:2]))
        return count
    for path in paths:
        with open(path, encoding="utf-8") as file:
            fetches = "\ndef fetch():\n" in file.read()
        if fetches:  # a cell has no network
            subprocess.run([sys.executable, f"{ROOT}/tests/support/main.py", path], env={**os.environ, "OCU_FETCH": "1"}, check=False)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for one in pool.map(lambda each: python_file(suite, each[1], cell=each[0]), enumerate(paths, 1)):
            count.add(one)
    return count


def processes(pick):
    """Real helpers over real socket pairs (C++, static, as root), then what the kernel shows of a whole appliance's helpers."""
    names = sorted({os.path.basename(os.path.dirname(p)) for p in glob.glob(f"{ROOT}/tests/process/*/test_*.cpp")})
    names = [each for each in names if not pick or each == pick[0]]
    count = Count()
    if names:
        folder, built = build("release", *[f"process_{each}" for each in names])
        count.add(built)
    for name in names:
        program, report = f"{folder}/process_{name}", f"{folder}/process_{name}.xml"
        if os.path.exists(program):
            one = catch2([program, "--reporter", f"junit::out={report}", "--reporter", "console::out=-"], report)
            say(f"  process {name}: {one}")
            count.add(one)
    count.add(python_files("process", pick))  # one at a time: the S3 engine's bounds of time do not hold beside an emulator
    return count


def node_modules(folder):
    """The packages of the lock file, installed once for each content of it; node itself is one of them."""
    names = [f"{folder}/package.json", f"{folder}/package-lock.json"]
    digest = hashlib.sha256(b"".join(open(name, "rb").read() for name in names)).hexdigest()[:16]
    cache = os.path.join(os.environ["OCU_CACHE"], f"mcp-{digest}")
    if not os.path.exists(f"{cache}/done"):
        if not shutil.which("npm"):
            subprocess.run(["bash", "-c", f". {ROOT}/scripts/lib.sh; need npm npm nodejs"], check=True)
        os.makedirs(cache, exist_ok=True)
        for name in names:
            shutil.copy(name, cache)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=cache, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise RuntimeError("npm ci: " + done.stdout[-2000:])
        open(f"{cache}/done", "w", encoding="utf-8").close()
    return f"{cache}/node_modules"


def mcp(_pick):
    """The official client packages and the public conformance suite against a running appliance."""
    from support.appliance import Appliance
    folder = f"{ROOT}/tests/flow/mcp"
    modules = node_modules(folder)
    binary = f"{modules}/node/bin/node"
    with tempfile.TemporaryDirectory(prefix="ocu-mcp.", dir="/var/tmp") as work:
        for path in glob.glob(f"{folder}/*.mjs") + [f"{folder}/package.json"]:
            shutil.copy(path, work)
        os.symlink(modules, f"{work}/node_modules")
        appliance = Appliance().start()
        try:
            env = {**os.environ, "PATH": os.path.dirname(binary) + ":" + os.environ["PATH"], "OCU_MCP_URL": appliance.url, "OCU_TOKEN": appliance.token}
            done = subprocess.run([binary, "--test", "--test-concurrency=1", "--test-reporter=tap", *sorted(glob.glob(f"{work}/*.test.mjs"))], cwd=work,
                                  env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=FILE_SECONDS_MAX)
        finally:
            appliance.stop()
            appliance.remove()
    totals = {word: int(number) for word, number in re.findall(r"^# (pass|fail|cancelled|skipped) (\d+)$", done.stdout, re.M)}
    count = Count(totals.get("pass", 0), totals.get("fail", 0) + totals.get("cancelled", 0), totals.get("skipped", 0))
    if count.failed or not count.passed:
        say(done.stdout[-8000:])
        FAILED.extend(f"mcp: {name}" for name in re.findall(r"^ *not ok \d+ - (.*)$", done.stdout, re.M))
        count.failed = count.failed or 1
    return count


def boot(pick):
    """The image in an emulator; what it needs is built first, and counted as a failure when it does not build."""
    from support import boot_image
    os.environ["OCU_NODE_MODULES"] = node_modules(f"{ROOT}/tests/flow/mcp")
    boot_image.prepare()
    return python_files("boot", pick)


def fuzz(pick):
    seconds = "60" if os.environ.get("OCU_LONG") else str(FUZZ_SECONDS)
    done = script("fuzz", pick[0] if pick else "", seconds, env={"OCU_BUILD": build_folder("fuzz")})
    count, since = Count(), []
    for line in done.stdout.splitlines():
        if line.startswith("ok "):
            count.passed, since = count.passed + 1, []
        elif line.startswith("FAIL "):
            count.add(fail(line[5:], "\n".join(since)))
            since = []
        else:
            since.append(line)
    if done.returncode and not count.failed:
        count.add(fail("fuzz", done.stdout))
    return count


def tidy(_pick):
    done = subprocess.run([sys.executable, f"{ROOT}/tests/tidy/check.py"], text=True, stdout=subprocess.PIPE, check=False)
    say(done.stdout.rstrip())
    FAILED.extend(f"tidy: {name}" for name in re.findall(r"^FAIL (.*?):?$", done.stdout, re.M))
    found = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.M)
    return Count(*map(int, found.groups())) if found else fail("tidy")


class SecondBuild:
    """The program once more, in another directory and without the compiler cache. It may be begun early: then it takes what the suites that
    mostly wait leave of the processors, and no more."""

    begun = None

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ocu-second.", dir="/var/tmp")
        tree = f"{self.folder}/a/longer/path"
        own = [os.path.join(ROOT, each) for each in ("build", ".git")]
        shutil.copytree(ROOT, tree, symlinks=True,
                        ignore=lambda folder, names: [n for n in names if os.path.join(folder, n) in own or n in ("node_modules", "__pycache__")])
        env = {**os.environ, "CCACHE_DISABLE": "1", "OCU_BUILD": f"{self.folder}/elsewhere"}
        with open(f"{self.folder}/log", "wb") as log:
            self.process = subprocess.Popen([os.path.join(tree, "scripts", "build"), "release", "ocu-appliance"], cwd=tree, env=env, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def weigh(self, nice):
        """Beside every other session of the machine; where the kernel does not group by session it is as any other."""
        try:
            with open(f"/proc/{self.process.pid}/autogroup", "w", encoding="utf-8") as file:
                file.write(str(nice))
        except OSError:
            pass

    @classmethod
    def begin(cls):
        cls.begun = cls.begun or cls()
        cls.begun.weigh(19)

    def wait(self):
        """The program that was built, or nothing and what the build said."""
        self.weigh(0)
        good = self.process.wait() == 0
        with open(f"{self.folder}/elsewhere/ocu-appliance" if good else f"{self.folder}/log", "rb") as file:
            return (file.read(), "") if good else (None, file.read().decode(errors="replace"))

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def reproducible(_pick):
    """A second build must be the same program to the byte."""
    SecondBuild.begun = SecondBuild.begun or SecondBuild()
    again, said = SecondBuild.begun.wait()
    if again is None:
        return fail("second build", said)
    with open(os.environ["OCU_BINARY"], "rb") as one:
        first = one.read()
    count = Count(passed=1) if first == again else fail("two builds differ")
    dynamic = subprocess.run(["ldd", os.environ["OCU_BINARY"]], capture_output=True, text=True, check=False)
    count.add(Count(passed=1) if "=>" not in dynamic.stdout else fail("the program is not static", dynamic.stdout))
    count.add(Count(passed=1) if len(first) <= 16 << 20 else fail(f"the program has {len(first)} bytes"))
    return count


RUN = {
    "tidy": tidy,
    "unit": lambda pick: units("fuzz", pick[:1] or None),  # the same sanitizers as `dev`, and what is compiled serves the fuzz targets too
    "tsan": lambda pick: units("tsan", pick[:1] or TSAN_FOLDERS),
    "process": processes,
    "flow": lambda pick: python_files("flow", pick, FILES_AT_ONCE),
    "badday": lambda pick: python_files("badday", pick, FILES_AT_ONCE),
    "redteam": lambda pick: python_files("redteam", pick, FILES_AT_ONCE),
    "mcp": mcp,
    "image": lambda pick: python_files("image", pick),
    "boot": boot,
    "fuzz": fuzz,
    "reproducible": reproducible,
}
MOSTLY_WAIT = {"flow", "badday", "redteam", "mcp", "image", "boot"}
NEED_PROGRAM = {"process", "flow", "badday", "redteam", "mcp", "image", "boot", "reproducible"}


def prepare():
    """Everything that the real program needs, as scripts/run prepares it."""
    env = {**os.environ, "OCU_BUILD": build_folder("release")}
    text = subprocess.run(["bash", "-c", f". {ROOT}/scripts/lib.sh; . {ROOT}/scripts/prepare.sh; prepare_all minimal; "
                           "env | grep -E '^OCU_(BINARY|IMAGE|RUNC|RUNSC|CACHE)='"], text=True, stdout=subprocess.PIPE, check=False, env=env)
    if text.returncode:
        return False
    os.environ.update(line.split("=", 1) for line in text.stdout.splitlines())
    return True


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    picks = {each.split("/")[0]: each.split("/")[1:] for each in options.only}
    if unknown := set(picks) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    wanted = [each for each in SUITES if (each in picks if picks else each in QUICK or not options.quick)]
    if options.long:
        os.environ["OCU_LONG"] = "1"
    if options.quick:
        os.environ["OCU_QUICK"] = "1"
    sys.path.insert(0, f"{ROOT}/tests")
    total, root = Count(), os.geteuid() == 0
    ready = not NEED_PROGRAM & set(wanted) or prepare()
    for suite in wanted:
        started = time.monotonic()
        say(f"== {suite}")
        if suite in MOSTLY_WAIT and "reproducible" in wanted and ready:
            SecondBuild.begin()
        if suite in NEED_PROGRAM and not ready:
            one = fail("the program could not be prepared")
        elif suite in NEED_PROGRAM - {"reproducible"} and not root:
            say(f"  SKIP {suite}: sandboxes need root")
            one = Count(skipped=1)
        else:
            try:
                one = RUN[suite](picks.get(suite, []))
            except Exception as error:  # a broken suite is a failed suite, and the others still run
                one = fail(f"{suite}: {type(error).__name__}: {error}")
        say(f"{suite}: {one} ({time.monotonic() - started:.0f} s)")
        total.add(one)
    if SecondBuild.begun:
        SecondBuild.begun.close()
    for each in FAILED:
        say(f"FAILED {each}")
    say(str(total))
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()
