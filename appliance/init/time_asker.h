// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a time server is asked: a `time` helper with sockets that init has connected for it. Threading: the loop's thread.

#include <expected>
#include <functional>

#include "appliance/manifest/network.h"
#include "proto/time_to_init.h"
#include "wire/loop.h"

namespace ocu::init {

class TimeAsker {
public:
    using Answer = std::expected<proto::TimeMeasured, proto::TimeFailure>;
    virtual ~TimeAsker() = default;
    // Calls `done` once, later, on the loop, within kTimeAnswerWait. Giving up the watch ends the helper, and `done` is not called.
    [[nodiscard]] virtual wire::Watch ask(manifest::TimeServer const& server, std::function<void(Answer)> done) = 0;
};

inline constexpr std::chrono::seconds kTimeAnswerWait{15};

class HelperTimeAsker final : public TimeAsker {
public:
    explicit HelperTimeAsker(wire::Loop& loop) : loop_(loop) {}
    [[nodiscard]] wire::Watch ask(manifest::TimeServer const& server, std::function<void(Answer)> done) override;

private:
    wire::Loop& loop_;
};

}  // namespace ocu::init
