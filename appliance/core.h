// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The core process: seven role threads, the mailboxes between them, and the order in which all of it starts and stops.
// Which mailboxes exist is topology.h's business: a role gets the ends that it may hold, and no others.

#include <array>
#include <memory>
#include <optional>
#include <thread>

#include "appliance/callers_file.h"
#include "appliance/topology.h"
#include "audit/audit.h"
#include "control/control.h"
#include "custody/custody.h"
#include "edge/edge.h"
#include "gateway/gateway.h"
#include "sandbox/sandbox.h"
#include "storage/storage.h"

namespace ocu::appliance {

struct RoleConfigs {
    gateway::Config gateway;
    control::Config control;
    storage::Config storage;
    sandbox::Config sandbox;
    audit::Config audit;
    edge::Config edge;
    custody::Config custody;
    std::string callers_file;  // where control keeps the callers that operators make
};

struct RoleDescriptors {
    UniqueFd operator_listener;
    UniqueFd store;
    UniqueFd audit;  // directory; only how much room there is is asked
    UniqueFd roots;  // what upstreams are verified against
    audit::SinkDescriptors sinks;
};

class Core {
public:
    // Builds every role on the calling thread; no thread runs yet. `main` is the supervisor's loop.
    Core(wire::Loop& main, Clock const& clock, RoleConfigs configs, RoleDescriptors descriptors, helper::Spawner& spawner,
        helper::Health const& health, std::function<void()> shutdown_asked);
    ~Core();

    void start_threads();
    // Agent side first, audit last, so that every end is on record. `done` runs on `main`.
    void stop(std::function<void()> done);
    // Ends the threads and the roles, and with them every link: helpers see it and end.
    void join();

    proto::CoreToRole& inbox_of(Role role);
    // Custody writes the service's TLS identity to whoever holds the other end of what is sent here.
    proto::CoreToCustody& identity_inbox() { return arrows_->identity_to_custody; }
    proto::Recorder& recorder() { return *recorder_; }
    control::Vitals const& vitals() const { return vitals_; }

private:
    struct Roles;
    void stop_role(std::size_t step, std::function<void()> done);
    std::function<void()> stopped();

    wire::Loop& main_;
    std::array<wire::Loop, kRoles> loops_;
    CallersFile callers_file_;
    control::Vitals vitals_;  // before the roles, which write it
    std::unique_ptr<Arrows> arrows_;
    std::unique_ptr<Roles> roles_;
    proto::Recorder* recorder_ = nullptr;
    std::array<std::thread, kRoles> threads_;
    std::function<void()> next_stop_;
};

}  // namespace ocu::appliance
