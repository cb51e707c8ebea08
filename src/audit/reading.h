// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Records for a person who reads them: which of them are wanted, how one looks on a line, and what a session's add up to. Reads bytes that
// may be anybody's; what it prints does nothing to a terminal (T-19). Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ocu::audit {

// The mandatory envelope of a record (docs/formats/audit.md), and what OCSF calls it.
struct ReadRecord {
    WallTime time{};
    std::uint32_t class_uid = 0;
    std::int64_t severity = 0;  // OCSF's: 1 informational to 4 high
    std::string source, action, session, actor, resource, reason, detail, trace;
    bool success = false;
    std::int64_t number = 0, bytes = 0, duration_ms = 0;
};

// Nothing: it is no record of this format.
std::optional<ReadRecord> read_record(std::string_view record);

// What is asked for; what is not given matches all.
struct Wanted {
    std::string session;  // sixteen hex digits
    std::string actor, action, source;
    std::optional<std::uint32_t> class_uid;
    std::optional<bool> success;
    std::optional<WallTime> since, until;  // both inclusive
};
// A record is a session's own, or one that is about it: an operator's action on it.
bool matches(Wanted const& wanted, ReadRecord const& record);

// A time as RFC 3339 writes it, or an age before `now`: a number and s, m, h or d.
std::optional<WallTime> read_time(std::string_view text, WallTime now);
// Sixteen hex digits, with or without the "s-" of the operator's world.
std::optional<std::string> read_session(std::string_view text);

// "2026-11-27 01:20:03.123  egress    egress_denied       not_allowed  s-…  dev  example.org:443  …", without its line's end.
std::string line_of(ReadRecord const& record);

// What a session did, by its records alone, in order.
class Replay {
public:
    void add(ReadRecord const& record);
    // A few lines: who, from when to when, what was done and refused how often, who or what ended it.
    std::string summary() const;
    std::uint64_t records() const { return records_; }

private:
    std::uint64_t records_ = 0;
    WallTime first_{}, last_{};
    std::string caller_;
    std::string operator_;  // the last action on it
    std::string ended_;
    struct Count {
        std::uint64_t done = 0;
        std::uint64_t failed = 0;
    };
    std::map<std::string, Count> counts_;  // by action: there are as many as the format has
};

}  // namespace ocu::audit
