// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Rules that the tests of policy share.

#include "gateway/policy.h"

namespace test_policy_rules {

using namespace ocu::gateway;

inline PolicyRule rule(std::vector<std::string> callers, std::vector<Action> actions, std::vector<std::string> patterns = {})
{
    PolicyRule made;
    made.callers = std::move(callers);
    for (auto const each : actions) made.actions.add(each);
    for (auto const& each : patterns) made.paths.emplace_back(each);
    return made;
}

// alice: view anything, create below outputs; everyone: the list of files.
inline Policy some_policy()
{
    return Policy({rule({"zoe", "alice"}, {Action::view}),
        rule({"alice"}, {Action::create_file, Action::resources_read}, {"/mnt/user-data/outputs/**"}), rule({}, {Action::resources_list})});
}

}  // namespace test_policy_rules
