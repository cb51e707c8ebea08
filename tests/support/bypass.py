# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the bypass corpus and makes attempts of its cases. What the keys mean: tests/redteam/egress/README.md."""

import glob
import os
import tomllib

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "redteam", "egress")
THROUGH = ("reached", "hello", "ready")
REFUSED_OUTCOMES = ("denied", "status", "closed", "silent", "nodata", "nxdomain", "unresolved")
PASSED_ON = ("lookup", "kind", "udp", "before", "pause", "half", "wait", "alone", "sockaddr")


def themes():
    return sorted(os.path.basename(each).removesuffix(".toml") for each in glob.glob(f"{FOLDER}/*.toml"))


def cases_of(theme):
    with open(f"{FOLDER}/{theme}.toml", "rb") as file:
        return tomllib.load(file)["case"]


def fill(value, words):
    """Every `{word}` in every text of the value."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace("{" + word + "}", text)
        return value
    if isinstance(value, list):
        return [fill(each, words) for each in value]
    return {key: fill(each, words) for key, each in value.items()} if isinstance(value, dict) else value


def host_of(case):
    return case.get("to", case.get("connect", "")).rsplit(":", 1)[0].strip("[]")


def request(case, marker):
    host = case.get("host", host_of(case))
    if "many_fields" in case:
        return f"GET /v1/{marker} HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"X-{n}: y\r\n" for n in range(case["many_fields"])) + "\r\n"
    if "huge_head" in case:
        return f"GET /v1/{marker} HTTP/1.1\r\nHost: {host}\r\nX-Huge: {'y' * case['huge_head']}\r\n\r\n"
    if "huge_target" in case:
        return f"GET /v1/{marker}{'y' * case['huge_target']} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    path = case["get"]
    return f"GET {path}{'&' if '?' in path else '?'}{marker} HTTP/1.1\r\nHost: {host}\r\n\r\n"


def marked(case, number):
    """The case with its mark: a word that occurs nowhere else."""
    return fill(case, {"m": f"mark{number:04d}x"}) | {"marker": f"mark{number:04d}x"}


def attempt(case):
    """What bypass_guest.py is told of a case."""
    made = {key: case[key] for key in ("name", "marker", *PASSED_ON) if key in case}
    if "connect" in case:
        made["proxy"] = f"CONNECT {case['connect']} HTTP/1.1\r\nHost: {case['connect']}\r\nX-Mark: {case['marker']}\r\n\r\n"
        made["tunnel"] = True
    if "proxy" in case:
        made["proxy"] = case["proxy"]
    if "to" in case:
        made["to"] = case["to"]
    if "tls" in case:
        made["tls"] = {"sni": host_of(case).lower(), **case["tls"]}
    if "hello" in case:
        made["hello"] = case["hello"]
    if "h2" in case:
        made["h2"] = case["h2"]
    made["send"] = [request(case, case["marker"])] if {"get", "many_fields", "huge_head", "huge_target"} & set(case) else case.get("send", [])
    if "hidden" in case:
        made["hidden"] = case["hidden"]
    return made


def destination(case):
    """What the record of a refusal names, unless the case says otherwise."""
    if "event" in case:
        return case["event"]
    if "lookup" in case:
        return case["lookup"].lower()
    return case.get("to", case.get("connect", "")).lower()


def faults(case, result, sent):
    """What is not as the case says, of the two sides that are seen at once: the guest's `result`, and all that was `sent` upstream."""
    wanted = case["expect"].split("|")
    outcome, through = result["outcome"], result["outcome"] in THROUGH
    found = []
    if "outcome" in case:
        if outcome != case["outcome"]:
            found.append(f"the guest got {outcome}, not {case['outcome']}")
    elif set(wanted) & {"nodata", "answer"}:
        if outcome not in wanted:
            found.append(f"the guest got {outcome}")
    elif through and "allowed" not in wanted:
        found.append(f"the guest got through: {outcome}")
    elif not through and wanted == ["allowed"]:
        found.append(f"the guest was refused: {outcome} {result['reason']}")
    if outcome == "broken":
        found.append("the attempt could not be made: " + result["text"])
    if outcome == "denied" and result["reason"] not in wanted and "refused" not in wanted:
        found.append(f"the guest was told {result['reason']}")
    if result.get("shown"):
        found.append("the guest was shown what is hidden from it")
    allowed = wanted == ["allowed"]
    undecided = "allowed" in wanted and not allowed
    for each in case.get("seen", [case["marker"]] if allowed else []):
        if each not in sent:
            found.append(f"the upstream was not sent {each!r}")
    for each in case.get("unseen", [] if allowed or undecided or "seen" in case else [case["marker"]]):
        if each in sent:
            found.append(f"the upstream was sent {each!r}")
    return found
