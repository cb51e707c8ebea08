// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bodies waiting to be looked into by the parser, and uploads that wait to be judged by it (SB-7), one at a time. What kills, stalls or corrupts the
// parser costs its own request only: that one is answered as failed, an upload as refused, the rest wait for the next parser, and none waits for
// ever (T-16, T-32). A look comes before an upload that waits as well: a reader's time is shorter than a writer's.

#include <deque>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "proto/gateway_to_storage.h"
#include "proto/parser_to_storage.h"
#include "wire/link.h"

namespace ocu::storage {

// An upload that begins as an archive does. Asked once its turn has come: `give_source` hands the broker its end of the channel on which the parser
// will read, or says that there is none any more.
struct ArchiveCheck {
    std::uint64_t bytes = 0;
    std::function<bool(UniqueFd)> give_source;
    // reason none: let it in. archive_refused with the rule; role_unavailable, too_many_calls: nobody has looked.
    std::function<void(proto::Reason, proto::ArchiveVerdict const&)> done;
};

// How long the parser has for an upload of that size: what is read is bounded by it, and what comes out of it too.
std::chrono::milliseconds check_time(std::uint64_t bytes);

class Inspections {
public:
    // `misbehaved`: the parser broke its grammar or took too long, and is to be replaced.
    Inspections(wire::Loop& loop, std::function<void(proto::BodyInspected)> answer, std::function<void()> misbehaved);

    void ask(proto::InspectBody body);
    void check(ArchiveCheck check);
    void parser_up(UniqueFd link);
    void parser_down();
    // Fails everything; nothing is taken any more.
    void stop();

private:
    struct Waiting {
        std::uint64_t number;
        std::variant<proto::InspectBody, ArchiveCheck> what;
        wire::Watch deadline;
    };

    void next();
    void on_frame(wire::Link::Frame const& frame);
    void lose_parser(bool misbehaved);
    void give_up(std::uint64_t number);
    void fail(CallId call);
    void fail(Waiting& waiting, proto::Reason reason);
    std::size_t waiting_checks() const;
    void send_body(proto::InspectBody body);
    bool send_check(ArchiveCheck check);
    bool take_inspected(wire::Link::Frame const& frame);
    bool take_checked(wire::Link::Frame const& frame);

    wire::Loop& loop_;
    std::function<void(proto::BodyInspected)> answer_;
    std::function<void()> misbehaved_;
    std::unique_ptr<wire::Link> link_;
    std::deque<Waiting> waiting_;
    std::uint64_t last_number_ = 0;
    bool busy_ = false;  // `current_number_` has been sent
    CallId current_;
    std::uint64_t current_number_ = 0;
    std::function<void(proto::Reason, proto::ArchiveVerdict const&)> current_check_;  // if it is a check
    wire::Watch watchdog_;
    bool stopped_ = false;
};

}  // namespace ocu::storage
