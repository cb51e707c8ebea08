// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bodies waiting to be looked into by the parser, one at a time. What kills, stalls or corrupts the parser costs its own request only:
// that one is answered as failed, the rest wait for the next parser, and none waits for ever (T-16).

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "proto/gateway_to_storage.h"
#include "proto/parser_to_storage.h"
#include "wire/link.h"

namespace ocu::storage {

class Inspections {
public:
    // `misbehaved`: the parser broke its grammar or took too long, and is to be replaced.
    Inspections(wire::Loop& loop, std::function<void(proto::BodyInspected)> answer, std::function<void()> misbehaved);

    void ask(proto::InspectBody body);
    void parser_up(UniqueFd link);
    void parser_down();
    // Fails everything; nothing is taken any more.
    void stop();

private:
    struct Waiting {
        std::uint64_t number;
        proto::InspectBody body;
        wire::Watch deadline;
    };

    void next();
    void on_frame(wire::Link::Frame const& frame);
    void lose_parser(bool misbehaved);
    void give_up(std::uint64_t number);
    void fail(CallId call);

    wire::Loop& loop_;
    std::function<void(proto::BodyInspected)> answer_;
    std::function<void()> misbehaved_;
    std::unique_ptr<wire::Link> link_;
    std::deque<Waiting> waiting_;
    std::uint64_t last_number_ = 0;
    bool busy_ = false;        // `current_` has been sent
    CallId current_;
    std::uint64_t current_number_ = 0;
    wire::Watch watchdog_;
    bool stopped_ = false;
};

}  // namespace ocu::storage
