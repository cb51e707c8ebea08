// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Programs that ran since the last telling, in a bounded text: what comes one after the other and is the same is said once, and what has no
// place any more is counted. Pure.

#include "proto/sandbox_to_exec.h"
#include "sandbox/monitor_face.h"

namespace ocu::sandbox {

class ProgramTally {
public:
    void add(Program program);
    // `dropped`: how many the sender has given up in all, until now. A number that goes back is not believed.
    void dropped_until_now(std::uint32_t dropped);
    void unreadable() { ++untold_; }
    bool empty() const { return count_ == 0 && untold_ == 0; }
    // And begins anew.
    proto::ExecProgramsRun take();

private:
    void write_last();

    std::uint64_t count_ = 0;
    std::uint64_t untold_ = 0;
    std::uint32_t dropped_ = 0;
    Program last_;
    std::uint64_t last_times_ = 0;  // 0: none
    std::string shown_;             // all before the last
    std::uint64_t not_shown_ = 0;
};

}  // namespace ocu::sandbox
