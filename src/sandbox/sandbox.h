// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Session sandboxes: brings them up, runs calls in them, takes them away.
//
//   runs as   a thread of the core, `ocu:sandbox`; helpers `launcher` (the only one with mount, namespace and cgroup rights) and `exec`
//             (one per session: the only process that reads what the guest's agent sends)
//   hears     control  proto/control_to_sandbox.h   create, end
//             gateway  proto/gateway_to_sandbox.h   call, cancel
//             storage  proto/sandbox_to_storage.h   mount ready, lost
//             launcher, exec  proto/sandbox_to_launcher.h, proto/sandbox_to_exec.h
//   tells     edge (lane), storage (mount), gateway (progress, done), control (up, what it uses, dead, down), audit
//   never     a standing secret; the bytes of one session near another's

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/control_to_sandbox.h"
#include "proto/core_to_role.h"
#include "proto/gateway_to_sandbox.h"
#include "proto/sandbox_to_edge.h"
#include "proto/sandbox_to_storage.h"

namespace ocu::sandbox {

// Per session. Enforced by cgroup and mount options in the launcher.
struct Limits {
    std::uint64_t memory_bytes = 2ull << 30;
    std::uint32_t pids = 512;              // guest tasks; the launcher adds what the runtime itself needs
    std::uint32_t cpu_percent = 200;       // of one core
    std::uint64_t scratch_bytes = 1ull << 30;  // /workspace and /tmp each (tmpfs: counts as memory of the session)
    std::uint64_t scratch_inodes = 200'000;
    std::uint64_t stream_bytes = 8ull << 20;   // output of one call before the rest is counted and dropped
    std::uint64_t disk_bytes_per_s = 512ull << 20;  // from each disk of the host, and as much to it: what a guest reads of its image
    std::uint64_t disk_operations_per_s = 20'000;   // the same, in operations
    bool disk_needed = false;                       // the manifest names one of the two: a host that cannot give it starts no sandbox
};

struct Config {
    Limits limits;
    std::size_t slots = 64;
    bool trusts_authority = false;  // a rule bumps: commands are told where the certificates are (EG-8)
    std::chrono::milliseconds measure_every{10'000};  // memory is sampled so often: two or three small files of each session
};

class Sandbox {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::ControlToSandbox& control_in;
        proto::GatewayToSandbox& gateway_in;
        proto::StorageToSandbox& storage_in;
        proto::SandboxToControl& control;
        proto::SandboxToGateway& gateway;
        proto::SandboxToStorage& storage;
        proto::SandboxToEdge& edge;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
        std::function<void()> stopped;
    };

    Sandbox(wire::Loop& loop, Clock const& clock, Config config, Wires wires);
    ~Sandbox();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::sandbox
