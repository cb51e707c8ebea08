// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The operator-facing control plane: which sessions exist, who may end them, and that ending always works.
//
//   runs as   a thread of the core, `ocu:control`; its helper `operator-front` parses HTTP and JSON from operators
//   hears     operator-front  proto/operator_front_to_control.h  what an operator asks; who it is was read from the socket here (F2)
//             gateway         proto/gateway_to_control.h         session wanted (F5)
//             storage         proto/storage_to_control.h         session wanted, for files (F11); what an operator asked about files
//             sandbox         proto/control_to_sandbox.h         up, dead, down
//             custody         proto/ask_custody.h                token minted, leases told
//             edge            proto/ask_edge.h                   what would happen to a connection
//             all of these    proto/session_meter.h              what a session has used
//             audit           proto/audit_to_control.h           how far the record's sinks are, what was counted
//   tells     sandbox, edge, storage, custody (sever), gateway (gone), audit (every action, before it takes effect; a kill is never kept waiting)
//   never     a tool payload, a credential, a mount

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "control/caller_book.h"
#include "control/disk_watch.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/ask_custody.h"
#include "proto/ask_edge.h"
#include "proto/audit_to_control.h"
#include "proto/ask_policy.h"
#include "proto/control_to_all.h"
#include "proto/control_to_sandbox.h"
#include "proto/core_to_role.h"
#include "proto/gateway_to_control.h"
#include "proto/storage_to_control.h"

namespace ocu::control {

// Who may operate this machine from its own operator socket, by the kernel's word for who connected.
struct Operator {
    std::uint32_t uid = 0;
    std::string name;  // on record as the actor
};

struct Config {
    proto::Tier tier = proto::Tier::runc;
    std::string profile = "trusted_operator";
    std::string appliance_name;
    std::int64_t manifest_serial = 0;
    std::string manifest_digest;  // hex
    std::string mcp_url;
    std::string certificate_sha256{};  // "AB:CD:…", once custody has told it; empty without TLS
    std::size_t sessions_max = 64;  // whole appliance; also the number of slots
    std::size_t sessions_per_caller_max = 32;
    std::size_t creates_per_minute_max = 600;  // per caller
    std::size_t warm_pool = 0;  // sandboxes that are kept ready; they take slots, and give way when callers need them
    std::chrono::seconds idle_max{0};  // 0 = off (minimal shelf)
    std::chrono::seconds absolute_max{0};  // 0 = off
    std::chrono::seconds token_life{3600};
    std::uint32_t audit_watermark_percent = 80;  // of the disk under the log
    std::vector<Operator> operators;  // besides uid 0, which is always one ("root")
    CallerBook callers{};  // as the gateway and storage begin with it
};

// For whoever watches the whole from outside this thread; at most a second old.
struct Vitals {
    std::atomic<std::uint32_t> sessions{0};
    std::atomic<bool> frozen{false};
    std::atomic<proto::WebhookHealth> webhook{proto::WebhookHealth::none};
    std::atomic<std::uint32_t> audit_disk_alarm{0};  // percent that are used, while that is too much
};

class Control {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::GatewayToControl& gateway_in;
        proto::StorageToControl& storage_in;
        proto::SandboxToControl& sandbox_in;
        proto::CustodyToControl& custody_in;
        proto::EdgeToControl& edge_in;
        proto::AuditToControl& audit_in;
        proto::ControlToGateway& gateway;
        proto::ControlToSandbox& sandbox;
        proto::ControlToStorage& storage;
        proto::ControlToEdge& edge;
        proto::ControlToCustody& custody;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        helper::Health const& health;
        std::function<void()> shutdown;  // an operator asked for it; the supervisor carries it out
        std::function<void()> stopped;
        Vitals* vitals = nullptr;  // outlives the role; null: nobody looks
        // What mcp.policy says to a call: a calculation on rules that never change, on this thread. Empty: such questions are not answered.
        // With it, the names of those who are let in.
        std::function<proto::Explained(proto::PolicyQuestion const&, std::span<std::string const>)> explain_policy = {};
        // How much room the log's disk has, asked once a second; nothing: the system does not say. Empty: nobody can be asked.
        std::function<std::optional<DiskRoom>()> audit_room = {};
        // Puts the callers' file on disk, off this thread: a disk that does not answer must not keep a kill waiting (T-17). Answers from any thread;
        // one at a time is asked for. Empty: there is nowhere to keep them, and none is made.
        std::function<void(wire::Bytes, std::function<void(bool)>)> keep_callers = {};
    };

    // `operator_listener`: STATE/operator.sock, bound and listening. Connections are accepted here, so that who is at the other end
    // (SO_PEERCRED) is known to the core; the accepted descriptor then goes to operator-front.
    Control(wire::Loop& loop, Clock const& clock, Config config, UniqueFd operator_listener, Wires wires);
    ~Control();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::control
