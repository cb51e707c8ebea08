// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Credential custody: keys live in the helper `custody` and never leave it. This thread only carries questions and answers.
//
//   runs as   a thread of the core, `ocu:custody`; its helper `custody`: locked memory, no network, no file after start
//   hears     control  proto/ask_custody.h      token wanted, sever, leases wanted
//             audit    proto/ask_custody.h      checkpoint signature wanted; a channel for the process of a sink
//             core     proto/ask_custody.h      TLS identity wanted, for a front that starts
//             edge     proto/edge_to_custody.h  a session's channel, lease wanted, session over, a secret source dialled, a notice to sign
//             storage  proto/storage_to_custody.h  the store's credential, for a process of its own
//   starts    `secret-source`, for each question to a source of credentials: it reads what a program of somebody else's answers (T-26)
//   tells     audit    proto/any_to_audit.h     key use; leases, before they are lent
//   never     gateway, sandbox, a guest: no message for them exists; a session's edge process asks the helper, over a channel of its own, for
//             what was lent to it here (T-12)

#include <functional>
#include <memory>

#include "base/clock.h"
#include "custody/sources.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/ask_custody.h"
#include "proto/core_to_role.h"
#include "proto/edge_to_custody.h"
#include "proto/storage_to_custody.h"

namespace ocu::custody {

class Custody {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::ControlToCustody& control_in;
        proto::AuditToCustody& audit_in;
        proto::CoreToCustody& identity_in;
        proto::EdgeToCustody& edge_in;
        proto::StorageToCustody& storage_in;
        proto::CustodyToControl& control;
        proto::CustodyToAudit& audit;
        proto::CustodyToEdge& edge;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        std::function<void()> stopped;
    };

    Custody(wire::Loop& loop, Clock const& clock, Wires wires, Config config = {});
    ~Custody();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::custody
