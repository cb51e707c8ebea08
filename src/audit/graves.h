// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Processes that were killed and are not known to be gone. Reaped once they are dead, and not waited for: one that hangs in a broken disk would hold up
// the thread that commits. Threading: the loop's thread.

#include <cstdint>
#include <map>

#include "helper/spawner.h"
#include "wire/loop.h"

namespace ocu::audit {

class Graves {
public:
    explicit Graves(wire::Loop& loop) : loop_(loop) {}

    void bury(helper::Child child);
    // Who is left is for others to reap.
    void forget();

private:
    struct Grave {
        helper::Child child;
        wire::Watch death;
    };

    wire::Loop& loop_;
    std::map<std::uint64_t, Grave> graves_;
    std::uint64_t last_ = 0;
};

}  // namespace ocu::audit
