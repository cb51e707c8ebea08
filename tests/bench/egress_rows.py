# SPDX-License-Identifier: GPL-3.0-or-later
"""P9 and P10: the way out of a guest, beside the proxies that others would put there."""

import contextlib

from bench import bench as table
from bench.egress_street import BUMP, MITM_PORT, PASS, SQUID_BUMP_PORT, Street


@contextlib.contextmanager
def street():
    made = Street()
    try:
        yield made
    finally:
        made.remove()


def passthrough(rounds):
    rounds, rows = rounds or 5, []
    with street() as out:
        haproxy, squid, direct = out.haproxy(), out.squid(), out.direct()
        with out.appliance() as ours:
            for name, theirs in (("HAProxy, TCP mode", haproxy), ("squid, CONNECT", squid)):
                left, right = table.interleaved(lambda: ours.download(PASS), lambda each=theirs: each.download(PASS), rounds)
                rows.append(table.compare("P9", ">= 1.0", "MiB/s", left, right, "passthrough, one large download over TLS", name))
            for name, theirs, goal in (("no proxy", direct, "<= 1.1"), ("HAProxy, TCP mode", haproxy, "")):
                left, right = table.interleaved(lambda: ours.latency(PASS), lambda each=theirs: each.latency(PASS), rounds)
                rows.append(table.compare("P9", goal, "us", left, right, "passthrough, a small request on a kept connection", name))
    return rows


def bump(rounds):
    rounds, rows = rounds or 5, []
    with street() as out:
        out.squid()
        out.mitmproxy()
        with out.appliance() as ours:
            for name, port, goal in (("squid, ssl-bump", SQUID_BUMP_PORT, ">= 1.5"), ("mitmproxy", MITM_PORT, ">= 10")):
                theirs = out.turn_into(port)
                for what, unit, act in (("bump, new TLS connections", "1/s", lambda client: client.connections(BUMP)),
                                        ("bump, requests on 8 kept connections", "1/s", lambda client: client.wrk(BUMP)),
                                        ("bump, one large download", "MiB/s", lambda client: client.download(BUMP))):
                    left, right = table.interleaved(lambda act=act: act(ours), lambda act=act, each=theirs: act(each), rounds)
                    rows.append(table.compare("P10", goal, unit, left, right, what, name))
    return rows
