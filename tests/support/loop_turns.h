// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A loop of the test's own thread, turned until what was on its way on local sockets has been heard, and what that caused: each of these is there
// at the next turn, and nothing waits for time.

#include <functional>

#include "wire/loop.h"

namespace ocu::test {

inline void turn_loop(wire::Loop& loop, int turns = 30)
{
    bool done = false;
    wire::Watch timer;
    std::function<void()> turn = [&] {
        if (--turns == 0)
            done = true;
        else
            timer = loop.after(std::chrono::milliseconds(0), turn);
    };
    loop.post(turn);
    while (!done) loop.run_one();
}

}  // namespace ocu::test
