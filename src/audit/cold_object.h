// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What goes to the cold tier, and what a store's answer about it is worth (AU-7, T-43). An object counts as kept when it was read back: the very bytes, with a
// lock of the mode that was asked for, until then or later. What a store says besides is not believed. Pure. Answers are a stranger's.

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "base/clock.h"
#include "proto/audit_to_cold.h"
#include "wire/http_client.h"

namespace ocu::audit {

inline constexpr std::int64_t kColdLockMin_s = 86'400;  // also of what is older than policy keeps it: a store takes no lock that is over

// A segment whose last record is in it.
struct SealedSegment {
    std::uint64_t end = 0;       // one after its last record
    std::int64_t newest_ms = 0;  // the latest time that one of them has
};
// Errors: malformed (a record does not check, or bytes follow the last one).
Result<SealedSegment> read_sealed(std::string_view bytes);

// When its lock ends, in seconds since 1970.
std::int64_t lock_until_s(std::int64_t newest_ms, std::uint32_t days, WallTime now);
// As S3 has it: 2033-11-27T01:20:03Z.
std::string format_lock(std::int64_t until_s);

// The fields of an answer that speak of the lock, in the order of ColdWanted::lock_fields.
struct ColdWanted {
    Digest digest{};  // SHA-256
    proto::ColdMode mode{};
    std::int64_t until_s = 0;

    static std::vector<std::string> lock_fields() { return {"x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"}; }
};

// Of a GET that asked for them.
proto::ColdAnswer judge_read_back(wire::HttpGot const& got, ColdWanted const& wanted);
// Of a PUT; kept: go on, and read it back.
proto::ColdAnswer judge_put(wire::HttpGot const& got);

std::string head_key(std::uint64_t segment);  // below the prefix; a segment's is its path in the audit directory

}  // namespace ocu::audit
