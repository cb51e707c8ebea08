// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Operators (F2). Control accepts a connection, reads from the kernel who is at its other end, and hands it over under a number; the
// front parses HTTP and JSON and asks under that number. Who asks is never in a message: control remembers it (T-11). Both directions.

#include <array>

#include "base/id.h"
#include "proto/ask_callers.h"
#include "proto/ask_custody.h"
#include "proto/ask_edge.h"
#include "proto/audit_to_control.h"
#include "proto/ask_files.h"
#include "proto/ask_policy.h"
#include "proto/audit_disk.h"
#include "proto/retention.h"
#include "proto/reason.h"
#include "proto/tally.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

enum class OperatorAction : std::uint8_t {
    health,
    status,
    sessions,
    leases,
    kill,
    kill_all,
    freeze,
    thaw,
    shutdown,
    egress_test,
    files_list,
    files_withhold,
    files_release,
    policy_explain,
    callers_list,
    callers_add,
    callers_rotate,
    callers_revoke,
    callers_reset,
    metrics,
    kLast = metrics
};

constexpr std::string_view name_of(OperatorAction action)
{
    constexpr std::string_view kNames[] = {
        "health", "status", "sessions", "leases", "kill", "kill-all", "freeze", "thaw", "shutdown", "egress-test", "files-list",
        "files-withhold", "files-release", "policy-explain", "callers-list", "callers-add", "callers-rotate", "callers-revoke", "callers-reset", "metrics"};
    return kNames[static_cast<std::size_t>(action)];
}

inline constexpr std::size_t kOperatorHelpersMax = 16;
inline constexpr std::size_t kOperatorSessionsMax = 1024;

// control -> front, with one descriptor: a connection to serve.
struct OperatorConnection {
    static constexpr Type kType = Type::operator_connection;
    ConnectionId connection;
    static void fields(auto& wire, auto& m) { wire(m.connection); }
};

// front -> control
struct OperatorAsk {
    static constexpr Type kType = Type::operator_ask;
    ConnectionId connection;
    RequestId request;         // numbered by the front
    OperatorAction action{};
    SessionId session;         // kill, files_*; egress_test, where it may be 0
    wire::Text<64> trace;      // correlation id, made by the front
    EgressQuestion egress;     // egress_test only
    FilesQuestion files{};     // files_* only
    PolicyQuestion policy{};   // policy_explain only
    CallerQuestion caller{};   // callers_* only
    static void fields(auto& wire, auto& m)
    {
        wire(m.connection, m.request, m.action, m.session, m.trace, m.egress, m.files, m.policy, m.caller);
    }
};

// front -> control: the front itself said no, before there was a question. For the record, under the id that the operator was shown.
struct OperatorRefused {
    static constexpr Type kType = Type::operator_refused;
    ConnectionId connection;   // 0: refused before it was known whose it was
    wire::Text<64> trace;
    wire::Text<48> code;
    static void fields(auto& wire, auto& m) { wire(m.connection, m.trace, m.code); }
};

struct OperatorHelper {
    wire::Text<32> name;
    bool up = false;
    static void fields(auto& wire, auto& m) { wire(m.name, m.up); }
};

struct OperatorSession {
    SessionId session;
    wire::Text<64> caller;
    wire::Text<128> chat;
    wire::Text<16> state;
    Slot slot;
    std::chrono::seconds age{};
    static void fields(auto& wire, auto& m) { wire(m.session, m.caller, m.chat, m.state, m.slot, m.age); }
};

// control -> front. What an action has no use for is empty.
struct OperatorAnswer {
    static constexpr Type kType = Type::operator_answer;
    RequestId request;
    Reason reason = Reason::none;  // none: done
    // status, health
    bool healthy = false;
    bool frozen = false;
    wire::Text<64> name;
    wire::Text<32> version;
    wire::Text<16> tier;
    wire::Text<32> profile;
    std::chrono::seconds uptime{};
    std::uint32_t session_count = 0;
    std::uint32_t pool_ready = 0;
    std::uint32_t pool_wanted = 0;
    std::int64_t manifest_serial = 0;
    wire::Text<128> manifest_digest;
    wire::Text<512> mcp_url;
    wire::Text<96> certificate_sha256;  // as people compare it; empty without TLS
    WebhookState webhook;
    StoreState store;
    AuditDisk audit_disk;
    SinkStates sinks;
    WitnessStates witnesses;
    RetentionState retention;
    ColdState cold;
    std::int64_t now_ms = 0;  // with sinks and witnesses: what their lag is measured from
    wire::List<OperatorHelper, kOperatorHelpersMax> helpers;
    std::uint64_t resident_bytes = 0;  // of the core
    bool clock_checked = false;
    // metrics, which have what the status has
    wire::List<Tally, 1> tally;
    // sessions
    wire::List<OperatorSession, kOperatorSessionsMax> sessions;
    // leases
    wire::List<LeaseShown, kLeasesMax> leases;
    // egress_test, policy_explain
    Explained explained;
    // files_*
    FilesTold files;
    // status: its state; callers_*
    CallersTold callers;
    // kill, kill-all, callers_revoke
    std::uint32_t killed = 0;      // nothing of these runs any more
    std::uint32_t pending = 0;     // severed, but their end was not confirmed in time
    bool recorded = false;         // the action's own record is on disk

    static void fields(auto& wire, auto& m)
    {
        wire(m.request, m.reason, m.healthy, m.frozen, m.name, m.version, m.tier, m.profile, m.uptime, m.session_count, m.pool_ready,
            m.pool_wanted, m.manifest_serial, m.manifest_digest, m.mcp_url, m.certificate_sha256, m.webhook, m.store, m.audit_disk, m.sinks, m.witnesses,
            m.retention, m.cold, m.now_ms, m.helpers, m.resident_bytes, m.clock_checked, m.tally, m.sessions, m.leases, m.explained, m.files, m.callers, m.killed, m.pending, m.recorded);
    }
};

inline constexpr std::array kOperatorFrontMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::operator_ask), 0,
        384 + 253 + 32 + kEgressPathBytesMax + kAskedPathBytesMax + kPolicyQuestionBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::operator_refused), 0, 128},
};

// A session's entry is at most 4 + 64 + 4 + 128 + 4 + 16 + 24 bytes, a lease's 8 + 4 + 64 + 4 + 253 + 8; an answer has one or the other.
inline constexpr std::array kControlMaySendOperatorFront{
    wire::Permit{static_cast<std::uint16_t>(Type::operator_connection), 1, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::operator_answer), 0,
        10240 + kTallyBytes + std::max<std::uint32_t>({256 * kOperatorSessionsMax, 468 * kLeasesMax, kExplainedBytesMax, kFilesToldBytesMax, kCallersToldBytesMax})},
};

// The front's whole configuration: it knows nothing.
struct OperatorFrontConfig {
    std::uint32_t connections_max = 64;
    static void fields(auto& wire, auto& m) { wire(m.connections_max); }
};

}  // namespace ocu::proto
