// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What this machine lacks, and what to do about it (AP-9). Looks only: nothing is changed, nothing is created.

#include <string>
#include <vector>

namespace ocu::appliance {

enum class Health { good, worse, bad };  // worse: works, with a difference that is said

struct Finding {
    Health health;
    std::string what;    // one line
    std::string advice;  // empty when good
};

// `state`: of an appliance whose disk is to be looked at too; empty: none.
std::vector<Finding> examine(std::string const& state = {});
// 0, or 1 when something is bad.
int verdict_of(std::vector<Finding> const& findings);

}  // namespace ocu::appliance
