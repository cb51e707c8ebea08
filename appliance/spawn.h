// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The only place where a process is made. A helper is this same binary, executed anew, so that it shares no memory layout with the core;
// it gets an empty environment, three standard descriptors, its link, and what its configuration frame carries.

#include <functional>

#include "helper/spawner.h"

namespace ocu::appliance {

// Starts `ocu-appliance helper NAME` and sends it its configuration. Thread-safe. Errors: os.
Result<helper::Spawned> start_helper(helper::Kind kind, wire::Bytes const& config, std::vector<UniqueFd> const& descriptors);

// What roles see of it.
class HelperSpawner final : public helper::Spawner {
public:
    // `empty_namespace`: a network namespace with nothing in it, shared by all per-session helpers.
    HelperSpawner(UniqueFd empty_namespace, std::function<void(helper::Kind)> on_violation)
        : empty_namespace_(std::move(empty_namespace)), on_violation_(std::move(on_violation))
    {}

    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override;
    void report_violation(helper::Kind kind) override { on_violation_(kind); }

private:
    UniqueFd empty_namespace_;
    std::function<void(helper::Kind)> on_violation_;
};

}  // namespace ocu::appliance
