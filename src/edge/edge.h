// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The egress trust-edge: the only way out (F8). What no rule allows is refused at once, with its reason, and recorded.
//
//   runs as   a thread of the core, `ocu:edge`; helpers `edge` (one per session, started at its first packet: reads what the guest sends),
//             `uplink` (resolves and dials), `notifier` (speaks with the webhook) and `storage-lane` (forwards signed backend requests)
//   hears     sandbox  proto/sandbox_to_edge.h   lane attached, detached
//             control  proto/control_to_all.h    sever; what would happen to a connection
//             storage  proto/withheld.h          digests of what may not leave a session
//             custody  proto/edge_to_custody.h   lease made; a secret source to be dialled; a notice's signature
//             storage  proto/storage_to_edge.h   a way to the store wanted, and over
//             audit    proto/audit_to_edge.h  a sink of the record to be dialled
//   tells     control  proto/ask_edge.h          what would happen to it; how it goes with the webhook and the store; a session's bytes
//             custody  proto/edge_to_custody.h   a session's channel, leases wanted, session over, a notice to sign
//             audit    proto/any_to_audit.h      every refusal; every connection, before it is dialled, and when it has ended
//   never     a credential; authorship of the denylist; a byte that a guest has sent but names, methods and paths

#include <functional>
#include <memory>

#include "base/clock.h"
#include "edge/rule.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/ask_edge.h"
#include "proto/audit_to_edge.h"
#include "proto/control_to_all.h"
#include "proto/core_to_role.h"
#include "proto/edge_to_custody.h"
#include "proto/sandbox_to_edge.h"
#include "proto/storage_to_edge.h"

namespace ocu::edge {

class Edge {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::SandboxToEdge& sandbox_in;
        proto::ControlToEdge& control_in;
        proto::CustodyToEdge& custody_in;
        proto::StorageToEdge& storage_in;
        proto::AuditToEdge& audit_in;
        proto::EdgeToCustody& custody;
        proto::EdgeToControl& control;
        proto::EdgeToStorage& storage;
        proto::EdgeToAudit& audit;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        std::function<void()> stopped;
    };

    // `roots`: a file of PEM certificates that does not change, given to each session's helper to read.
    Edge(wire::Loop& loop, Clock const& clock, Config config, UniqueFd roots, Wires wires);
    ~Edge();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::edge
