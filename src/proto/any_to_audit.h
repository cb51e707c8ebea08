// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a role tells audit. The source is the channel that it came by: a role holds a Recorder that was made for it and cannot name
// another. `done` runs on the asking role's loop once the record is on disk, or with the error that kept it from disk.

#include <functional>
#include <string>

#include "base/id.h"
#include "base/result.h"
#include "proto/reason.h"
#include "wire/text.h"

namespace ocu::proto {

enum class Source : std::uint8_t { core, gateway, control, custody, storage, sandbox, edge, audit, kLast = audit };

constexpr std::string_view name_of(Source source)
{
    constexpr std::string_view kNames[] = {"core", "gateway", "control", "custody", "storage", "sandbox", "edge", "audit"};
    return kNames[static_cast<std::size_t>(source)];
}

// One enumerator for each thing that can happen. audit/event maps it to OCSF class, activity and severity.
enum class What : std::uint8_t {
    appliance_start,
    appliance_stop,
    manifest_applied,
    trust_profile_downgraded,
    helper_start,
    helper_death,
    helper_violation,
    session_create,
    session_pooled,
    session_ready,
    session_destroy,
    session_failed,
    session_refused,
    tool_call_begin,
    tool_call_end,
    tool_call_refused,
    process_ended,
    programs_run,
    caller_refused,
    egress_denied,
    dns_denied,
    operator_action,
    operator_refused,
    mount_attach,
    mount_detach,
    key_use,
    log_opened,
    log_repaired,
    egress_opened,
    egress_closed,
    http_request,
    tripwire,
    lease_granted,
    lease_refused,
    lease_revoked,
    notice_delivered,
    notice_failed,
    notice_given_up,
    resource_listed,
    resource_read,
    store_damaged,
    data_key_destroyed,
    file_upload,
    file_download,
    file_preview,
    file_archive,
    file_list,
    file_delete,
    file_refused,
    embed_token_made,
    browser_session_begun,
    browser_session_ended,
    backend_opened,
    backend_closed,
    backend_failed,
    store_swept,
    session_metered,
    audit_disk_watermark,
    sink_failing,
    sink_refused,
    sink_recovered,
    sink_position_damaged,
    audit_head_witnessed,
    audit_head_refused,
    audit_head_conflict,
    audit_head_overdue,
    audit_retention,
    audit_retention_held,
    caller_expired,
    callers_damaged,
    audit_cold_kept,
    audit_cold_refused,
    audit_cold_overdue,
    kLast = audit_cold_overdue,
};

enum class Outcome : std::uint8_t { success, failure, kLast = failure };

struct Event {
    What what{};
    Outcome outcome = Outcome::success;
    Reason reason = Reason::none;
    SessionId session;
    wire::Text<64> trace;        // correlation id; also what a caller is shown
    wire::Text<128> actor;       // caller or operator name, helper name, "guest"
    wire::Text<512> resource;    // tool, host:port, helper, session
    wire::Text<1024> detail;     // bounded command text, manifest digest, ...: untrusted bytes, encoded by the writer
    std::int64_t number = 0;     // exit status, port, pid, serial: the event table says which
    std::uint64_t bytes = 0;
    std::int64_t duration_ms = 0;

    static void fields(auto& wire, auto& m)
    {
        wire(m.what, m.outcome, m.reason, m.session, m.trace, m.actor, m.resource, m.detail, m.number, m.bytes, m.duration_ms);
    }
};

// A role's pen. Implementations: audit/recorder (the real one), tests/support (one that remembers).
class Recorder {
public:
    using Done = std::function<void(Result<EventNumber>)>;
    virtual ~Recorder() = default;
    // Durable before `done`. Errors: unavailable (audit is down or the disk is full), over_limit (this source's queue is full).
    virtual void record(Event event, Done done) = 0;
    // For events that nothing waits for. Still counted and kept in order; lost only with audit itself, which is then on record.
    void note(Event event)
    {
        record(std::move(event), [](Result<EventNumber>) {});
    }
};

}  // namespace ocu::proto
