// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What takes a sink's batches where they go: a file, a syslog receiver, a web server. Helper only. Threading: the loop's thread.

#include <chrono>
#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "proto/audit_to_sink.h"

namespace ocu::audit {

struct SinkBatch {
    std::string bytes;         // records in the form that this sink has, one after another
    std::uint64_t before = 0;  // records that there are before it in the log
    std::uint64_t count = 0;
};

struct SinkOutcome {
    proto::SinkHealth health = proto::SinkHealth::delivering;
    std::string word;         // not with delivering
    std::uint16_t status = 0;
    // With delivering: for how long it may still turn out that it was not; then lost() is called.
    std::chrono::milliseconds settles{0};
};

class SinkCarrier {
public:
    using Done = std::function<void(SinkOutcome)>;
    virtual ~SinkCarrier() = default;
    // Whether the next batch needs a connection of its own.
    virtual bool wants_socket() const = 0;
    // One at a time. `batch` stays until `done`, which runs once, later, on the loop.
    virtual void carry(SinkBatch const& batch, UniqueFd socket, Done done) = 0;
    // `lost` runs whenever a connection has ended, before the batch that was under way on it is done: what went on it before may not have settled.
    virtual void when_lost(std::function<void()> lost) = 0;
};

}  // namespace ocu::audit
