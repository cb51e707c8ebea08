// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The egress trust-edge: the only way out (F8). Until rules are declared, the policy is deny-all: every connection and every name is
// refused at once, with its reason, and recorded.
//
//   runs as   a thread of the core, `ocu:edge`; helpers `edge` (reads what guests send) and `storage-lane` (forwards signed backend requests)
//   hears     sandbox  proto/sandbox_to_edge.h   lane attached, detached
//             control  proto/control_to_all.h    sever
//   tells     audit    proto/any_to_audit.h      every refusal
//   never     a credential at rest; authorship of the denylist

#include <functional>
#include <memory>

#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/control_to_all.h"
#include "proto/core_to_role.h"
#include "proto/sandbox_to_edge.h"

namespace ocu::edge {

class Edge {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::SandboxToEdge& sandbox_in;
        proto::ControlToEdge& control_in;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        std::function<void()> stopped;
    };

    Edge(wire::Loop& loop, Clock const& clock, Wires wires);
    ~Edge();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::edge
