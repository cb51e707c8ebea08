// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The hardware watchdog: fed from the loop, so that a first process which hangs restarts the machine. A machine without one goes on
// without. It stays on during an orderly stop, which may hang too, until the kernel itself is asked.

#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::init {

class Watchdog {
public:
    explicit Watchdog(wire::Loop& loop) : loop_(loop) {}
    // False: there is none.
    bool start();
    // The last act before the kernel is asked to stop: the letter that tells the driver that this is meant.
    void stop();

private:
    void feed();

    wire::Loop& loop_;
    UniqueFd device_;
    wire::Watch next_;
};

}  // namespace ocu::init
