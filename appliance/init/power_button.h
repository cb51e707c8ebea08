// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The machine's power button: an input device of the kernel's that has the key KEY_POWER. Keyboards are none of it: those that have more
// keys than power, sleep and the like are left to the console.

#include <functional>
#include <vector>

#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::init {

class PowerButton {
public:
    // `pressed` may be called more than once.
    PowerButton(wire::Loop& loop, std::function<void()> pressed);

private:
    void take(std::size_t index);

    std::function<void()> pressed_;
    std::vector<UniqueFd> devices_;
    std::vector<wire::Watch> watches_;
};

}  // namespace ocu::init
