# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside a sandbox to try things: `attempt(name, call)` prints `name REFUSED`, or `name THROUGH` when the call gave something."""

PRELUDE = r"""
import ctypes, os, signal, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def attempt(name, call):
    # Each in a process of its own: some refusals are the end of whoever asked.
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        try: got = call()
        except BaseException: got = None
        os._exit(7 if got else 0)
    status = os.waitpid(child, 0)[1]
    print(name, 'THROUGH' if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 7 else 'REFUSED', flush=True)
def ok(result): return result == 0
def call(number, *words): return libc.syscall(ctypes.c_long(number), *words) >= 0
def opened(path, flags=os.O_RDONLY):
    def go():
        fd = os.open(path, flags | os.O_NONBLOCK)
        return os.read(fd, 16) if flags == os.O_RDONLY else True
    return go
"""


def through(case, client, script, least):
    """The names of the attempts that got through; fewer than `least` lines is a script that did not run."""
    client.call("create_file", path="/workspace/attempts.py", file_text=PRELUDE + script)
    text = client.bash("python3 /workspace/attempts.py 2>&1", timeout_s=60)
    lines = [line.split() for line in text.splitlines() if line.strip()]
    case.assertGreaterEqual(len(lines), least, text)
    return {words[0] for words in lines if words[-1] != "REFUSED"}, text
