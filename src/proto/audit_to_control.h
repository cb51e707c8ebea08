// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// For whoever looks at the machine: how far each sink of the record is, which heads witnesses have seen, what the cold tier holds, where removal by age is, and what was
// counted. Told when it changes, at most a few times a second.

#include "proto/audit_to_cold.h"
#include "proto/audit_to_sink.h"
#include "proto/audit_to_witness.h"
#include "proto/retention.h"
#include "proto/tally.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct SinkState {
    wire::Text<32> name;
    SinkKind kind{};
    SinkFormat format{};
    wire::Text<320> place;       // URL or host:port; of a file sink, its folder
    SinkHealth health{};
    wire::Text<32> word;
    std::uint16_t status = 0;
    std::uint64_t position = 0;  // records that are delivered
    std::uint64_t size = 0;      // records that there are
    std::int64_t oldest_ms = 0;  // the time of the first that is not delivered, as far as it is known; 0: not known, or there is none

    bool operator==(SinkState const&) const = default;
    static void fields(auto& wire, auto& m)
    {
        wire(m.name, m.kind, m.format, m.place, m.health, m.word, m.status, m.position, m.size, m.oldest_ms);
    }
};

using SinkStates = wire::List<SinkState, kSinksMax>;

struct SinksTold {
    SinkStates sinks;
};

enum class HeadHealth : std::uint8_t {
    untried,    // nothing has come of it yet
    witnessed,  // the last head that was shown is cosigned
    failing,    // the witness is not to be had now
    refused,    // it answers, and not with what counts
    conflict,   // it has seen another history than this log has
    kLast = conflict
};

constexpr std::string_view name_of(HeadHealth health)
{
    constexpr std::string_view kNames[] = {"untried", "witnessed", "failing", "refused", "conflict"};
    return kNames[static_cast<std::size_t>(health)];
}

struct WitnessState {
    wire::Text<32> name;
    wire::Text<320> place;
    HeadHealth health{};
    wire::Text<32> word;          // why it did not come about
    std::uint16_t status = 0;
    std::uint64_t witnessed = 0;  // records under the last head that is cosigned; 0: none is
    std::int64_t witnessed_s = 0; // when, by the witness's clock
    std::uint64_t size = 0;       // records that there are
    std::int64_t owed_ms = 0;     // since when a head is owed; 0: none is
    std::int64_t interval_s = 0;  // after which one more is

    bool operator==(WitnessState const&) const = default;
    static void fields(auto& wire, auto& m)
    {
        wire(m.name, m.place, m.health, m.word, m.status, m.witnessed, m.witnessed_s, m.size, m.owed_ms, m.interval_s);
    }
};

using WitnessStates = wire::List<WitnessState, kWitnessesMax>;

struct WitnessesTold {
    WitnessStates witnesses;
};

// Told where the manifest has a cold tier.
struct ColdState {
    wire::Text<512> place;       // bucket, prefix and endpoint; empty: there is none
    ColdHealth health{};
    wire::Text<32> word;         // why it did not come about
    std::uint16_t status = 0;
    std::uint64_t segments = 0;  // that are confirmed: all before this number
    std::uint64_t records = 0;   // likewise
    std::uint64_t size = 0;      // records that there are
    std::int64_t since_ms = 0;   // since when a segment is due; 0: none is
    std::uint64_t due = 0;       // segments that are, as far as they were counted

    bool operator==(ColdState const&) const = default;
    static void fields(auto& wire, auto& m)
    {
        wire(m.place, m.health, m.word, m.status, m.segments, m.records, m.size, m.since_ms, m.due);
    }
};

using AuditToControl = wire::Mailbox<SinksTold, WitnessesTold, RetentionState, ColdState, Tally>;

}  // namespace ocu::proto
