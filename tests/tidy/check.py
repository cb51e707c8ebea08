# SPDX-License-Identifier: GPL-3.0-or-later
"""House rules that a program can check. Each rule is one function that yields what breaks it; the last line counts rules."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 110  # the aim is 70; at this length a review has failed
ROLES = ("gateway", "control", "custody", "storage", "sandbox", "edge", "audit")
CPP = (".h", ".cpp", ".c", ".S")

# A library is included from the folders named here and from no other.
LIBRARY_HOMES = {
    r"wolfssl/": ("src/base/crypto/", "src/wire/"),  # wire: only what Asio's own TLS stream needs
    r"cjson/": ("src/wire/",),
    r"nghttp2/": ("src/wire/",),
    r"boost/": ("src/wire/",),
    r"sys/capability\.h": ("src/helper/",),
    r"seccomp\.h": ("src/helper/",),
    r"netlink/(?!session\.h|objects\.h)": ("src/netlink/",),
    r"fuse": ("src/storage/",),
    r"archive": ("src/storage/", "src/audit/"),
    r"stb": ("src/storage/",),
    r"ares\.h": ("src/edge/",),
    r"curl/": ("src/wire/",),
    r"expat": ("src/wire/",),
    r"ftxui/": ("src/console/",),
    r"catch2/": (),
}
BANNED = {
    r"\bsystem\s*\(": "starts a shell",
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|mktemp|tmpnam)\s*\(": "unbounded or unsafe",
    r"\bthrow\b": "errors are Results",
    r"\[=\]": "names its captures",
    r"\busing namespace std\b(?!::)": "hides where names are from",
}
PROCESS_STARTS = re.compile(r"\b(fork|vfork|clone|posix_spawnp?|popen|execl\w*)\s*\(|\bpipe\s*\(|\bsocketpair\s*\(")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
REGISTRIES = re.compile(
    r"registry\.npm" r"js\.org|py" r"pi\.org|deb\.deb" r"ian\.org|security\.deb" r"ian\.org|snapshot\.deb" r"ian\.org|crates" r"\.io|proxy\.go" r"lang\.org")
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(wo" r"rk|ro" r"ot)/")


def listed():
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = done.stdout.split("\n")
    else:
        names = [os.path.relpath(os.path.join(top, name), ROOT) for top, _, files in os.walk(ROOT) for name in files
                 if not {"build", ".git", "node_modules", "__pycache__"} & set(os.path.relpath(top, ROOT).split(os.sep))]
    return sorted(each for each in names if each and os.path.isfile(os.path.join(ROOT, each)))


def text_of(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        data = file.read()
    return "" if b"\0" in data else data.decode(errors="replace")


FILES = {name: text_of(name) for name in listed()}


def is_code(name):
    return name.endswith(CPP)


def is_seed(name):
    return "/corpus_" in name


def without_comments(text):
    text = re.sub(r'R"(\w*)\(.*?\)\1"', '""', text, flags=re.S)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def code_files(*prefixes):
    return [(n, t) for n, t in FILES.items() if is_code(n) and (not prefixes or n.startswith(prefixes))]


def hits(pattern, name, text):
    for match in re.finditer(pattern, text):
        yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group().strip()}"


def rule_every_source_names_its_licence():
    for name, text in FILES.items():
        source = is_code(name) or name.endswith((".py", ".mjs", ".js", ".sh")) or text.startswith("#!") or name.endswith("CMakeLists.txt")
        if source and not is_seed(name) and SPDX not in "\n".join(text.split("\n")[:3]):
            yield name


def rule_headers_begin_once():
    for name, text in code_files():
        if name.endswith(".h") and "#pragma once" not in "\n".join(text.split("\n")[:4]):
            yield name


def rule_files_are_short():
    for name, text in FILES.items():
        lines = text.count("\n")
        if lines > FILE_LINES_MAX and (is_code(name) or name.endswith((".py", ".mjs", ".js", ".sh")) or name.startswith("scripts/")):
            yield f"{name}: {lines} lines"


def rule_functions_fit_on_a_screen():
    for name, text in code_files("src/", "appliance/"):
        lines, start = without_comments(text).split("\n"), None
        for number, line in enumerate(lines):
            if line == "{" and number and re.search(r"[)\w>]\s*$", lines[number - 1]):
                start = number
            elif line == "}" and start is not None:
                if number - start > FUNCTION_LINES_MAX:
                    yield f"{name}:{start + 1}: {number - start} lines"
                start = None


def rule_roles_do_not_include_each_other():
    for name, text in code_files("src/"):
        part = name.split("/")[1]
        allowed = {"base", "wire", "proto", "helper", part} if part in ROLES else {
            "base": {"base"}, "wire": {"base", "wire"}, "helper": {"base", "wire", "helper"}, "proto": {"base", "wire", "proto", "helper"},
            "netlink": {"base", "netlink"}, "guest": {"base", "wire", "proto", "guest"}}.get(part, {"base", "wire", "proto", "helper", part})
        allowed = allowed | ({"netlink"} if part == "sandbox" else set())  # the launcher's lanes; the machine's own cards are appliance/init's
        for match in re.finditer(r'#include "([^"]+)"', text):
            target = match.group(1).split("/")[0]
            shared_data = match.group(1).startswith(("appliance/profiles/", "appliance/policy/"))
            if target not in allowed and "/" in match.group(1) and not shared_data:
                yield f"{name}: {match.group(1)}"


def rule_each_library_has_one_home():
    for name, text in code_files("src/", "appliance/"):
        for match in re.finditer(r"#\s*include\s*[<\"]([^>\"]+)[>\"]", text):
            for library, homes in LIBRARY_HOMES.items():
                if re.match(library, match.group(1)) and not name.startswith(homes):
                    yield f"{name}: {match.group(1)}"


def rule_only_the_appliance_starts_processes():
    allowed = ("src/guest/", "src/sandbox/", "src/base/unique_fd.cpp")  # the guest's agent, the launcher, and the pair that all others use
    for name, text in code_files("src/"):
        if not name.startswith(allowed):
            yield from hits(PROCESS_STARTS, name, without_comments(text))


def rule_nothing_banned_is_called():
    for name, text in code_files("src/", "appliance/"):
        clean = without_comments(text)
        for pattern in BANNED:
            yield from hits(pattern, name, clean)


def rule_unit_tests_do_not_sleep():
    for name, text in code_files("tests/unit/"):
        yield from hits(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", name, without_comments(text))


def rule_nothing_is_left_unfinished():
    for name, text in FILES.items():
        if not is_seed(name) and name != "LICENSE":
            yield from hits(UNFINISHED, name, text)


def rule_no_merge_is_left_open():
    for name, text in FILES.items():
        if name != "LICENSE" and not is_seed(name):
            yield from hits(r"(?m)^(<{7} |>{7} |={7}$)", name, text)


def rule_no_registry_and_no_machine_is_named():
    for name, text in FILES.items():
        if name != "LICENSE" and not is_seed(name) and not name.endswith("package-lock.json"):
            yield from hits(REGISTRIES, name, text)
            yield from hits(MACHINE_PATHS, name, text)


def rule_documents_name_files_that_exist():
    pattern = re.compile(r"`((?:src|appliance|tests|scripts|rootfs|docs|iso|firmware-notes)/[\w./*-]+)`")
    for name, text in FILES.items():
        if name.endswith(".md"):
            for match in pattern.finditer(text):
                path = match.group(1).rstrip("/.")
                stem = re.escape(path).replace(r"\*", "[^/]*")
                if not any(re.match(rf"{stem}($|/|\.(h|cpp|py)$|_main\.cpp$)", each) for each in FILES):
                    yield f"{name}: {match.group(1)}"


def rule_every_threat_has_a_test():
    threats = set(re.findall(r"\bT-\d\d\b", FILES.get("SECURITY.md", "")))
    tested = set()
    for name, text in FILES.items():
        if name.startswith("tests/"):
            tested |= set(re.findall(r"\bT-\d\d\b", text))
    if not threats:
        yield "SECURITY.md: names no threat"
    for each in sorted(threats - tested):
        yield f"{each} has no test"
    known = {f"T-{number:02}" for number in range(1, 23)} | threats
    for name, text in FILES.items():
        if name.startswith(("src/", "appliance/", "tests/")) and threats:
            for each in sorted(set(re.findall(r"\bT-\d\d\b", text)) - known):
                yield f"{name}: {each} is not in SECURITY.md"


def rule_every_face_has_a_fuzz_target():
    for name in FILES:
        face = re.fullmatch(r"src/(\w+)/(\w+_face)\.(h|cpp)", name)
        if face and name.endswith(".h"):
            stem = face.group(2).removesuffix("_face")
            wanted = [f"tests/fuzz/{face.group(1)}/fuzz_{each}.cpp" for each in (stem, face.group(2))]
            if not any(each in FILES for each in wanted):
                yield f"{name}: {wanted[0]} is missing"


def rule_every_fuzz_target_has_a_corpus():
    for name in FILES:
        target = re.fullmatch(r"(tests/fuzz/\w+)/fuzz_(\w+)\.cpp", name)
        if target and not any(each.startswith(f"{target.group(1)}/corpus_{target.group(2)}/") for each in FILES):
            yield name


def rule_every_test_is_built():
    for name in FILES:
        if name.startswith("tests/unit/") and name.endswith(".cpp") and not re.fullmatch(r"tests/unit/\w+/test_\w+\.cpp", name):
            yield name


def main():
    failed = 0
    rules = [(name[5:].replace("_", " "), rule) for name, rule in sorted(globals().items()) if name.startswith("rule_")]
    for name, rule in rules:
        found = list(dict.fromkeys(rule()))
        failed += bool(found)
        if found:
            print(f"FAIL {name}:")
            for each in found[:25]:
                print(f"  {each}")
            if len(found) > 25:
                print(f"  ... and {len(found) - 25} more")
    print(f"{len(rules) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
