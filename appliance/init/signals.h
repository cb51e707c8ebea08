// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Signals of the first process, read on the loop. Children that end are reaped at once, ours and everybody's orphans alike: gVisor's
// `delete` waits for ever for a process that nobody reaps.

#include <sys/types.h>

#include <functional>

#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::init {

class Signals {
public:
    struct Events {
        std::function<void(pid_t pid, int status)> on_child;  // as waitpid has it
        std::function<void()> on_restart;                     // Ctrl-Alt-Del
        std::function<void()> on_stop;                        // SIGTERM, SIGPWR: from a hypervisor's agent or our own tests
    };

    // Blocks the signals for this thread; children get an empty mask from those who start them. Errors: os.
    static Result<std::unique_ptr<Signals>> take(wire::Loop& loop, Events events);

private:
    Signals(UniqueFd fd, Events events) : fd_(std::move(fd)), events_(std::move(events)) {}
    void read();
    void reap();

    UniqueFd fd_;
    Events events_;
    wire::Watch watch_;
};

}  // namespace ocu::init
