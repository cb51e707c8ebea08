// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The calls that run now: their processes, their output, their end. A call ends when its process has ended and what it had written is
// read; never when the pipe closes, because a background process may hold it for ever.

#include <poll.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "guest/child.h"
#include "guest/outbox.h"
#include "guest/tail.h"

namespace ocu::guest {

class Calls {
public:
    Calls(Place const& place, Outbox& outbox) : place_(place), outbox_(outbox) {}

    // "NAME=value", for every command from now on.
    void set_variables(std::vector<std::string> variables) { variables_ = std::move(variables); }
    void run(proto::GuestRun const& asked);
    void file(proto::GuestFile const& asked);
    void kill(CallId call);
    // Ignored where it is none of these.
    void has_ended(pid_t pid, int status);
    // Ends the calls that are due.
    void advance();
    void end_all();
    bool any() const { return !calls_.empty(); }

    void add_to_poll(std::vector<pollfd>& polled) const;
    void take_polled(std::span<pollfd const> polled);
    std::optional<std::chrono::milliseconds> wait_max() const;

private:
    struct Call {
        CallId id;
        Child child;
        bool is_file = false;
        std::uint64_t forward_bytes_max = 0;
        std::uint64_t output_bytes = 0;
        std::unique_ptr<Tail> tail;  // from the moment that the stream is cut
        bool killed = false;
        bool exited = false;
        int status = 0;              // as waitpid() gives it
        Monotonic drained_by{};      // once exited
        Monotonic quiet_since{};     // nothing read since then
    };

    void start(Result<Child> child, CallId id, bool is_file, std::uint64_t forward_bytes_max);
    void read_output(Call& call);
    void forward(Call& call, std::string_view bytes);
    void finish(Call& call);
    bool due(Call const& call, Monotonic now) const;

    Place const& place_;
    Outbox& outbox_;
    std::vector<std::string> variables_;
    std::vector<Call> calls_;
    std::deque<UniqueFd> lingering_;  // pipes that a background process still holds: read and forgotten, so that it lives on
};

}  // namespace ocu::guest
