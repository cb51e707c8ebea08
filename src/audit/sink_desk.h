// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread's side of its sinks: starts the process of each, tells it what the log has, gives it what it needs to read and to speak, and says how far
// each is (AU-6). Nothing here waits for a sink, and what a sink can have done is a few small things a second, so no commit waits either (T-36).
// Threading: the audit thread.

#include <functional>
#include <memory>
#include <vector>

#include "audit/graves.h"
#include "audit/sink.h"
#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/audit_to_control.h"
#include "proto/audit_to_edge.h"
#include "wire/link.h"

namespace ocu::audit {

inline constexpr std::chrono::milliseconds kSinkTick{250};
inline constexpr std::chrono::seconds kSinkSilence{30};     // a tick that is not answered for so long makes a sink a failing one
inline constexpr std::chrono::seconds kSinkNoteEvery{60};   // that one fails is on record once in so long
inline constexpr std::chrono::milliseconds kSinkRestartFirst{1000};
inline constexpr std::chrono::milliseconds kSinkRestartMax{60'000};

class SinkDesk {
public:
    struct Calls {
        std::function<void(proto::SinkDialWanted)> dial;
        std::function<void(std::uint32_t sink, UniqueFd end)> channel;  // to custody
        std::function<void(proto::Event)> note;
        std::function<void(proto::SinkStates)> tell;
    };
    // `log`: the audit directory. `ground`: one for each of `sinks`.
    SinkDesk(wire::Loop& loop, Clock const& clock, std::string appliance, std::vector<Sink> sinks, UniqueFd log, std::vector<SinkGround> ground,
        helper::Spawner& spawner, Calls calls);
    ~SinkDesk();

    // The log has so many records on disk. Costs nothing that is worth counting.
    void grew(std::uint64_t size);
    // No segment before this one is there any more.
    void begins_at(std::uint64_t segment) { first_segment_ = segment; }
    // How many records every sink has; with no sink, as many as there can be.
    std::uint64_t copied() const;
    // There is somebody to give keys to those that need one.
    void custody_up();
    void dialled(proto::SinkDialled dialled);
    void stop();

private:
    struct Running;

    void start(Running& sink);
    Result<void> spawn(Running& sink);
    void hear(Running& sink, wire::Link::Frame const& frame);
    bool obey(Running& sink, proto::SinkReport const& report);
    void is_now(Running& sink, proto::SinkHealth health, std::string_view word, std::uint16_t status);
    void give_segment(Running& sink, std::uint64_t segment);
    void lost(Running& sink, wire::Lost why);
    void put_on_record(Running& sink);
    void note(Running const& sink, proto::What what, std::string detail);
    void tick();
    void tick(Running& sink);
    void keep_ticking();
    void tell();

    wire::Loop& loop_;
    Clock const& clock_;
    std::string appliance_;
    UniqueFd log_;
    helper::Spawner& spawner_;
    Calls calls_;
    std::vector<std::unique_ptr<Running>> sinks_;
    Graves graves_;
    std::uint64_t size_ = 0;
    std::uint64_t last_dial_ = 0;
    std::uint64_t first_segment_ = 0;
    bool open_ = false;      // the log is: sinks may start
    bool custody_ = false;
    bool stopped_ = false;
    wire::Watch timer_;
    proto::SinkStates told_;
};

}  // namespace ocu::audit
