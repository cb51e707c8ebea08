// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Keeps the standing helpers running: starts each, notices its death by its pidfd at once, tells its role (which fails closed), starts it
// again with back-off, and puts all of it on record. Runs on the core's main thread.

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "appliance/spawn.h"
#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/core_to_role.h"

namespace ocu::appliance {

// What one standing helper is started with. `descriptors` is asked anew at each start, because a descriptor goes with each process.
struct HelperPlan {
    proto::CoreToRole* role = nullptr;
    wire::Bytes config;
    std::function<Result<std::vector<UniqueFd>>()> descriptors;
    std::function<void(std::span<std::byte const> report)> ready;  // told each time it is up; may be empty
};

class Supervisor {
public:
    Supervisor(wire::Loop& loop, Clock const& clock, helper::Health& health);
    ~Supervisor();

    // Before start(). The recorder may be set late: events before it are only logged.
    void plan(helper::Kind kind, HelperPlan plan);
    void when_ready(helper::Kind kind, std::function<void(std::span<std::byte const>)> told) { slot(kind).plan.ready = std::move(told); }
    void record_to(proto::Recorder& recorder) { recorder_ = &recorder; }

    // Starts helpers that do not need each other and waits until each is confined and ready; their roles hear of them in this order.
    // An error here means that the appliance must not serve.
    Result<void> start(std::span<helper::Kind const> kinds);
    Result<void> start(helper::Kind kind) { return start(std::span(&kind, 1)); }
    // From any thread: a role found its helper to be broken or hostile.
    void report_violation(helper::Kind kind);
    // From here on helpers end because their roles let go of their links. Only the launcher is still started again: sessions are being
    // ended through it.
    void expect_ends() { stopping_ = true; }
    // Ends what is left of them, the launcher last, once it has cleaned up.
    void stop();

    pid_t pid_of(helper::Kind kind) const { return slots_[static_cast<std::size_t>(kind)].child.pid(); }

private:
    struct Slot {
        HelperPlan plan;
        helper::Child child;
        wire::Watch death;
        wire::Watch restart;
        Monotonic started{};
        unsigned failures = 0;
        bool violated = false;
    };

    Result<helper::Spawned> begin(helper::Kind kind);
    Result<void> take_up(helper::Kind kind, helper::Spawned spawned);
    Result<void> launch(helper::Kind kind);
    void died(helper::Kind kind);
    void schedule_restart(helper::Kind kind);
    void note(proto::What what, helper::Kind kind, proto::Outcome outcome);
    void write(proto::Event event);
    void write_kept();
    Slot& slot(helper::Kind kind) { return slots_[static_cast<std::size_t>(kind)]; }

    wire::Loop& loop_;
    Clock const& clock_;
    helper::Health& health_;
    proto::Recorder* recorder_ = nullptr;
    std::array<Slot, helper::kStandingKinds> slots_;
    std::deque<proto::Event> kept_;  // could not be recorded: audit itself was down
    wire::Watch keep_trying_;
    bool stopping_ = false;
    bool stopped_ = false;
};

}  // namespace ocu::appliance
