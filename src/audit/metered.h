// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What sessions and callers have used in all, from session_metered records alone. A record holds what was used since the one before it, so a sum over
// records is all that was used (docs/formats/audit.md). Pure.

#include <map>
#include <set>
#include <string>

#include "audit/reading.h"
#include "base/result.h"
#include "proto/session_meter.h"

namespace ocu::audit {

// What is asked for; what is not given matches all. A record counts at the time when it was written.
struct MeteredRange {
    std::string caller;
    std::optional<WallTime> from;  // inclusive
    std::optional<WallTime> to;    // exclusive, so that months add up
};

struct MeteredSum {
    std::uint64_t records = 0;
    std::int64_t number = 0;   // of a single record: which of its session's it is
    std::uint64_t unread = 0;  // of them, those in which something could not be read
    bool ended = false;        // its last record is among them
    proto::Usage usage{};

    void add(MeteredSum const& other);
};

// Nothing: it is no such record. Only control writes them; nobody's are those of sandboxes that waited in the warm pool.
std::optional<MeteredSum> read_metered(ReadRecord const& record);

class Metered {
public:
    // Errors: over_limit (more records than kMeteredRecordsMax).
    Result<void> add(ReadRecord const& record, MeteredRange const& range);
    std::uint64_t records() const { return total_.records; }
    // A line for each session, for each caller, and for all.
    std::string table() const;
    // The same, exact, as one JSON object.
    std::string json() const;

private:
    using Key = std::pair<std::string, std::string>;  // caller, session
    std::map<std::string, MeteredSum> callers() const;

    std::map<Key, MeteredSum> sessions_;
    std::set<std::pair<std::string, std::int64_t>> seen_;  // session, number: a record that was written twice counts once
    MeteredSum total_;
};

}  // namespace ocu::audit
