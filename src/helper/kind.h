// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which helpers there are. Those of the architecture, and what was cut off from them since: `exec`, which alone reads what a guest's agent
// sends (docs/decisions/0002-exec-helper-per-session.md), `uplink`, which dials for `edge` (0012-egress-processes.md), and `notifier`, which
// speaks with the webhook (0020-webhook.md).

#include <cstdint>
#include <string_view>

namespace ocu::helper {

enum class Kind : std::uint8_t {
    gateway_front,
    operator_front,
    files_front,
    parser,
    custody,
    launcher,
    uplink,
    storage_lane,
    audit_writer,
    notifier,  // one each
    broker,
    exec,
    edge,  // one per session
    mounter,
    stick,
    dhcp,
    time,
    screen,  // of the first process (appliance/init), on the booted machine only
    tpm,     // of the core, for one piece of work each time that custody starts
    secret_source,  // of custody's thread, for one question to a source of credentials
    sweeper,        // of storage's thread, for the objects of one session or run that has ended
    audit_sink,     // of audit's thread, one for each sink of the manifest
    audit_witness,  // of audit's thread, for one head that is shown to one witness
    audit_cold,     // of audit's thread, for one segment that goes to the cold tier
    kLast = audit_cold,
};

inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kLast) + 1;
inline constexpr std::size_t kStandingKinds = static_cast<std::size_t>(Kind::broker);

// Started by its role for one session, with the session's slot before its configuration; secret_source, sweeper, audit_sink, audit_witness and
// audit_cold with a number of their own in its place.
constexpr bool is_per_session(Kind kind)
{
    return kind == Kind::broker || kind == Kind::exec || kind == Kind::edge || kind == Kind::secret_source || kind == Kind::sweeper ||
           kind == Kind::audit_sink || kind == Kind::audit_witness || kind == Kind::audit_cold;
}

constexpr std::string_view name_of(Kind kind)
{
    constexpr std::string_view kNames[] = {"gateway-front", "operator-front", "files-front", "parser", "custody", "launcher", "uplink",
        "storage-lane", "audit-writer", "notifier", "broker", "exec", "edge", "mounter", "stick", "dhcp", "time", "screen", "tpm", "secret-source", "sweeper", "audit-sink", "audit-witness", "audit-cold"};
    return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace ocu::helper
