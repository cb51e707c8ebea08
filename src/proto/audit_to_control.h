// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// For whoever looks at the machine: how far each sink of the record is. Told when it changes, at most a few times a second.

#include "proto/audit_to_sink.h"
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

using AuditToControl = wire::Mailbox<SinksTold>;

}  // namespace ocu::proto
