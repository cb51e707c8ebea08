// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every reason for which this machine says no. One enumerator is the code an agent reads, the field an auditor reads and what a test
// expects. The egress block is the closed x-deny-reason vocabulary of 03-interfaces. Append within a block only with a test.

#include <cstdint>
#include <iterator>
#include <string_view>

namespace ocu::proto {

enum class Reason : std::uint16_t {
    none = 0,
    // egress (x-deny-reason)
    not_allowed,
    address_denied,
    name_mismatch,
    no_sni,
    ech,
    port_denied,
    method_denied,
    path_denied,
    session_denied,
    budget_exceeded,
    rate_exceeded,
    credential_unavailable,
    scoped_token_missing,
    upstream_unverified,
    icap_denied,
    icap_unavailable,
    not_downloadable,
    protocol_denied,
    audit_unavailable,
    edge_draining,
    // caller and call
    unauthorized,
    chat_id_required,
    chat_id_invalid,
    unknown_tool,
    bad_arguments,
    policy_denied,
    too_many_calls,
    too_many_sessions,
    sessions_frozen,
    session_killed,
    session_ended,
    session_failed,
    cancelled,
    shutting_down,
    role_unavailable,
    internal,
    // operator
    forbidden,
    unknown_session,
    bad_request,
    unknown_caller,
    caller_exists,
    caller_of_manifest,
    caller_over,
    too_many_callers,
    callers_damaged,
    callers_not_kept,
    // admission
    tier_refused,
    profile_refused,
    manifest_refused,
    // files
    not_found,
    conflict,
    quota_exceeded,
    body_too_large,
    archive_refused,
    type_denied,
    // process tools
    unknown_process,
    process_ended,
    too_many_processes,
    process_input_full,
    kLast = process_input_full,
};

constexpr std::string_view name_of(Reason reason)
{
    constexpr std::string_view kNames[] = {"none", "not_allowed", "address_denied", "name_mismatch", "no_sni", "ech", "port_denied",
        "method_denied", "path_denied", "session_denied", "budget_exceeded", "rate_exceeded", "credential_unavailable",
        "scoped_token_missing", "upstream_unverified", "icap_denied", "icap_unavailable", "not_downloadable", "protocol_denied",
        "audit_unavailable", "edge_draining", "unauthorized", "chat_id_required", "chat_id_invalid", "unknown_tool", "bad_arguments",
        "policy_denied", "too_many_calls", "too_many_sessions", "sessions_frozen", "session_killed", "session_ended", "session_failed",
        "cancelled", "shutting_down", "role_unavailable", "internal", "forbidden", "unknown_session", "bad_request", "unknown_caller",
        "caller_exists", "caller_of_manifest", "caller_over", "too_many_callers", "callers_damaged", "callers_not_kept", "tier_refused",
        "profile_refused", "manifest_refused", "not_found", "conflict", "quota_exceeded", "body_too_large", "archive_refused",
        "type_denied", "unknown_process", "process_ended", "too_many_processes", "process_input_full"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(Reason::kLast) + 1);
    return kNames[static_cast<std::size_t>(reason)];
}

// The reason of that name; bad_request for a code that is not in the list (a face's own, more detailed word).
constexpr Reason reason_of(std::string_view name)
{
    for (std::uint16_t i = 0; i <= static_cast<std::uint16_t>(Reason::kLast); ++i)
        if (name_of(static_cast<Reason>(i)) == name) return static_cast<Reason>(i);
    return Reason::bad_request;
}

}  // namespace ocu::proto
