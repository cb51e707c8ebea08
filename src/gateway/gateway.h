// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The agent-facing control plane: who calls (F1), what the call may do, in which order, and what is answered when.
//
//   runs as   a thread of the core, `ocu:gateway`; its helper `gateway-front` holds TLS, HTTP, JSON-RPC and schema
//   hears     gateway-front  proto/gateway_front_to_gateway.h   authorize, call, cancel
//             control        proto/gateway_to_control.h         session granted, refused, gone
//             sandbox        proto/gateway_to_sandbox.h         progress, done
//             storage        proto/gateway_to_storage.h         inspected image or archive
//   tells     audit          proto/any_to_audit.h               call begin, call end, refusal, before anybody is answered
//   never     an operator word: none of its channels has a message for kill, denylist, quota or lifecycle (T-03)

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "gateway/policy.h"
#include "helper/callers.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/core_to_role.h"
#include "proto/gateway_to_control.h"
#include "proto/gateway_to_sandbox.h"
#include "proto/gateway_to_storage.h"

namespace ocu::gateway {

using Caller = helper::Caller;

struct Config {
    std::vector<Caller> callers;
    Policy policy;
    bool chat_id_required = false;
    bool tls = false;                                      // a certificate made inside gateway-front; its PEM is in the ready report
    std::vector<std::string> host_names;                   // accepted in Host (without port), besides the listener's own address
    std::vector<std::string> origins;                      // accepted in Origin; a request without Origin is not a browser's
    std::string public_url;                                // for resource metadata, e.g. http://127.0.0.1:8811
    std::string instructions;                              // InitializeResult.instructions
    std::chrono::milliseconds tool_timeout_default{120'000};
    std::chrono::milliseconds tool_timeout_max{600'000};
    std::size_t calls_per_caller_max = 32;                 // running or queued
    std::size_t calls_per_session_queue_max = 16;          // run in order; over it: too_many_calls
    std::size_t connections_max = 2048;
    std::size_t calls_per_minute_max = 6000;               // per caller
};

// What gateway-front is started with, encoded. `authority` is the listener's own address and port, which Host may always name. No
// caller, no digest, no key is in it. Names beyond what a front is told (front_config.h) are left out, and so refused.
wire::Bytes front_config(Config const& config, std::string_view authority);

class Gateway {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::ControlToGateway& control_in;
        proto::SandboxToGateway& sandbox_in;
        proto::StorageToGateway& storage_in;
        proto::GatewayToControl& control;
        proto::GatewayToSandbox& sandbox;
        proto::GatewayToStorage& storage;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        helper::Health const& health;
        std::function<void()> stopped;  // called once, on this loop, after StopRole
    };

    Gateway(wire::Loop& loop, Clock const& clock, Config config, Wires wires);
    ~Gateway();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::gateway
