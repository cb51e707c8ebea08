# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside a sandbox to try things. Each attempt prints its name, its threat and what became of it:

REFUSED  the call failed, gave nothing, or was the end of whoever made it
THROUGH  the call gave something
HUNG     the call neither gave anything nor came back in time
BROKEN   the attempt itself is wrong: its refusal would say nothing about the sandbox
"""

from dataclasses import dataclass

MUST = "through"  # the control, as root on the host, has to get through with it


@dataclass(frozen=True)
class Way:
    """One attempt. `call` is the text of an expression in the guest's python that is true when it got through. `control` is MUST,
    empty (the host's own matter), or why the control on the host leaves it out."""

    name: str
    threat: str
    call: str
    control: str = ""


PRELUDE = r"""
import ctypes, os, resource, shutil, signal, socket, stat, struct, subprocess, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
patience_s = 5
def before(): pass
def attempt(name, threat, call):
    # Each in a process of its own: some refusals are the end of whoever asked.
    child = os.fork()
    if child == 0:
        signal.alarm(patience_s)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            before()
            code = 7 if call() else 0
        except OSError: code = 0
        except BaseException as error:
            print('#', name, repr(error), flush=True)
            code = 9
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        print('#', name, 'was ended by signal', number, flush=True)
        word = 'HUNG' if number == signal.SIGALRM else 'REFUSED' if number in (signal.SIGSYS, signal.SIGKILL) else 'BROKEN'
    else:
        # 1 is how gVisor says that its system call filter ended the process; nothing here ends with it.
        word = {0: 'REFUSED', 1: 'REFUSED', 7: 'THROUGH'}.get(os.WEXITSTATUS(status), 'BROKEN')
    print(name, threat, word, flush=True)
def ok(result): return result == 0
def asked(number, *words): return libc.syscall(*(ctypes.c_long(word) if isinstance(word, int) else word for word in (number, *words)))
def call(number, *words): return asked(number, *words) >= 0
def opened(path, flags=os.O_RDONLY):
    fd = os.open(path, flags | os.O_NONBLOCK)
    return os.read(fd, 4096) if flags == os.O_RDONLY else True
def taken(path, flags=os.O_RDONLY): return os.open(path, flags | os.O_NONBLOCK) >= 0
def made(path, kind, device): return os.mknod(path, kind, device) or taken(path)
"""


def script_of(ways, preamble=""):
    return PRELUDE + preamble + "".join(f"attempt({way.name!r}, {way.threat!r}, lambda: {way.call})\n" for way in ways)


def read_outcomes(case, ways, text):
    """Name to outcome, for each of `ways`: one that did not speak, or that is broken, is a failure."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    got = {words[0]: words[2] for words in lines if len(words) == 3 and words[2] in ("REFUSED", "THROUGH", "HUNG", "BROKEN")}
    case.assertEqual(sorted(way.name for way in ways), sorted(got), text)
    case.assertEqual([name for name, outcome in got.items() if outcome == "BROKEN"], [], text)
    return got


def tried(case, client, ways, preamble=""):
    """What became of each of `ways` inside the sandbox of this client, and the text that says so."""
    client.call("create_file", path="/workspace/attempts.py", file_text=script_of(ways, preamble))
    text = client.bash("python3 /workspace/attempts.py 2>&1", timeout_s=100)
    return read_outcomes(case, ways, text), text


def not_refused(outcomes):
    return {name: outcome for name, outcome in outcomes.items() if outcome != "REFUSED"}
