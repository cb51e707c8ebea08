// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread and `audit-cold`, a process that puts one sealed segment of the log where it cannot be removed (AU-7, T-43), reads it back, says what
// came of it in one word, and ends. It is given all that it needs:
//
//   configuration   ColdConfig
//   descriptors     the shared empty namespace, then [0] the segment, which reads and cannot write, [1] its end of a channel to the storage lane
//                   (proto/broker_to_storage_lane.h), [2] where the credential is read (helper/handed_secret.h)

#include <array>
#include <iterator>
#include <span>
#include <string_view>

#include "proto/audit_to_witness.h"
#include "proto/store_place.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

enum class ColdMode : std::uint8_t {
    compliance,  // nobody can shorten the lock
    governance,  // who has the right to can: for a trial
    kLast = governance
};

// As S3 spells it.
constexpr std::string_view name_of(ColdMode mode) { return mode == ColdMode::compliance ? "COMPLIANCE" : "GOVERNANCE"; }

struct ColdConfig {
    StorePlace place;
    std::uint64_t segment = 0;
    std::uint32_t days = 0;  // the lock holds so long after the newest record
    ColdMode mode{};
    wire::Text<kHeadNoteBytesMax> head;  // the newest signed head, which is put beside it

    static void fields(auto& wire, auto& m) { wire(m.place, m.segment, m.days, m.mode, m.head); }
};

enum class ColdAnswer : std::uint8_t {
    kept,            // both objects were read back: the very bytes, and locked for long enough
    not_locked,      // they are there without a lock, or the store says that it has none
    wrong_lock,      // another mode, or until a time that is too early
    other_bytes,     // what was read back is something else
    answered,        // another status
    unreachable,
    tls,
    timed_out,
    broken,          // no HTTP, or it ended early
    log_unreadable,  // the segment does not check: nothing was sent
    no_head,         // the signed head is older than the segment: nothing was sent
    kLast = no_head
};

constexpr std::string_view name_of(ColdAnswer answer)
{
    constexpr std::string_view kNames[] = {
        "kept", "not_locked", "wrong_lock", "other_bytes", "answered", "unreachable", "tls", "timed_out", "broken", "log_unreadable", "no_head"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(ColdAnswer::kLast) + 1);
    return kNames[static_cast<std::size_t>(answer)];
}

struct ColdOutcome {
    static constexpr Type kType = Type::cold_outcome;
    ColdAnswer answer{};
    std::uint16_t status = 0;    // of HTTP, where it came so far
    std::uint64_t end = 0;       // kept: one after the segment's last record
    std::int64_t until_ms = 0;   // kept: the lock holds until then, since 1970
    std::array<std::uint8_t, 32> digest{};  // kept: SHA-256 of the segment

    static void fields(auto& wire, auto& m) { wire(m.answer, m.status, m.end, m.until_ms, m.digest); }
};

inline constexpr std::array kColdToAudit{
    wire::Permit{static_cast<std::uint16_t>(Type::cold_outcome), 0, 64},
};

// How far the cold tier is.
struct ColdPosition {
    std::uint64_t segment = 0;  // all segments before it are confirmed
    std::uint64_t records = 0;  // the first record of it
    std::array<std::uint8_t, 32> place{};  // what it is for: other bucket, longer lock, from the beginning

    bool operator==(ColdPosition const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.segment, m.records, m.place); }
};

enum class ColdHealth : std::uint8_t {
    untried,  // nothing has come of it yet
    keeping,  // the last segment that was due is confirmed
    failing,  // the store is not to be had now
    refused,  // it does not hold what it is given, or does not want it
    kLast = refused
};

constexpr std::string_view name_of(ColdHealth health)
{
    constexpr std::string_view kNames[] = {"untried", "keeping", "failing", "refused"};
    return kNames[static_cast<std::size_t>(health)];
}

}  // namespace ocu::proto
