# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the audit directory as it lies on disk, without the program that wrote it."""

import json
import os

from support.appliance import wait_until


def journal_files(folder):
    """The files that records are appended to, oldest first."""
    found = []
    for top, _, names in os.walk(folder):
        if "segment" in top or "journal" in top:
            found += [os.path.join(top, name) for name in names]
    return sorted(found)


def records_in(data):
    """Every JSON object in the bytes, with its place: whatever frames them, each record is one object."""
    decoder, text, at = json.JSONDecoder(), data.decode("latin-1"), 0
    while True:
        at = text.find('{"', at)
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at += 1
            continue
        yield at, end, value
        at = end


def events(appliance):
    found = []
    for path in journal_files(appliance.audit_dir()):
        with open(path, "rb") as file:
            found += [value for _, _, value in records_in(file.read())]
    return found


def find_events(appliance, wanted, seconds=0.0):
    """The events for which `wanted(event)` holds, waiting up to `seconds` for the first."""
    found = []

    def look():
        found[:] = [each for each in events(appliance) if wanted(each)]
        return bool(found)

    wait_until(look, seconds, every=0.05)
    return found


def says(event, *words):
    text = json.dumps(event)
    return all(word in text for word in words)
