# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row measures ours and theirs in turn, so that both meet the same machine. Started by scripts/bench."""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

from bench import rows  # noqa: E402  (the path above comes first)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(values):
    return {"median": statistics.median(values), "p99": percentile(values, 0.99), "count": len(values)}


def compare(row, goal, unit, ours, theirs, what, against):
    """One line of the table. Where less is better the ratio is ours by theirs; the goal says which way."""
    made = {"row": row, "what": what, "against": against, "unit": unit, "goal": goal, "ours": summary(ours)}
    if theirs:
        made["theirs"] = summary(theirs)
        made["ratio"] = made["ours"]["median"] / made["theirs"]["median"]
        made["ratio_p99"] = made["ours"]["p99"] / made["theirs"]["p99"]
    return made


def interleaved(ours, theirs, rounds):
    """Runs both, one after the other, `rounds` times; each call gives one value. The first of each only warms up."""
    left, right = [], []
    for number in range(rounds + 1):
        one, other = ours(), theirs()
        if number:
            left.append(one)
            right.append(other)
    return left, right


def timed(call):
    def run():
        started = time.perf_counter()
        call()
        return (time.perf_counter() - started) * 1000
    return run


def number(value):
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def table(results):
    lines = [f"{'row':<6}{'what':<58}{'ours p50':>12}{'p99':>12}{'theirs p50':>12}{'p99':>12}{'ratio':>8}  goal"]
    for each in results:
        theirs = each.get("theirs")
        lines.append(f"{each['row']:<6}{(each['what'] + ' [' + each['unit'] + ']')[:57]:<58}{number(each['ours']['median']):>12}{number(each['ours']['p99']):>12}"
                     + (f"{number(theirs['median']):>12}{number(theirs['p99']):>12}{each['ratio']:>8.2f}" if theirs else " " * 32) + f"  {each['goal']}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=0)
    options = parser.parse_args()
    results = []
    for name, row in rows.ROWS.items():
        if options.only and name not in options.only:
            continue
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            results += row(options.rounds)
        except Exception as error:  # one row that cannot be measured here leaves the others
            print(f"{name}: not measured: {type(error).__name__}: {error}", file=sys.stderr)
    out = {"date": datetime.date.today().isoformat(), "machine": {"kernel": platform.release(), "cpus": os.cpu_count(), "arch": platform.machine()},
           "rows": results}
    with open(os.path.join(ROOT, "build", "bench.json"), "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
    print(table(results))


if __name__ == "__main__":
    main()
