// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Listens to gVisor's runtime monitor, for the exec helper of one session: one connection, made while the guest starts, and no other. The
// sender does not wait for us: what we are too slow for it drops, and says how much. Runs on its owner's loop.

#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "sandbox/program_tally.h"
#include "wire/loop.h"

namespace ocu::sandbox {

class Monitor {
public:
    // `tell` gets what ran, at most once in kProgramsTold, and once more at the end.
    Monitor(wire::Loop& loop, Clock const& clock, UniqueFd listener, std::function<void(proto::ExecProgramsRun const&)> tell);

    // Reads what has arrived, and tells it if that is due.
    void catch_up();
    // The same at the end: whether it is due or not.
    void tell_all();

private:
    void accept();
    void read();
    void take_in();
    bool read_one();
    void tell_later();
    void tell();

    wire::Loop& loop_;
    Clock const& clock_;
    UniqueFd listener_;
    UniqueFd connection_;
    bool greeted_ = false;
    std::function<void(proto::ExecProgramsRun const&)> tell_;
    ProgramTally tally_;
    Monotonic due_{};
    std::vector<std::byte> packet_;
    wire::Watch readable_;
    wire::Watch timer_;
};

}  // namespace ocu::sandbox
