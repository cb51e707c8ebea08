// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The launcher's service: a small state machine for each slot, driven by the link, by children that end and by timers. Nothing here
// waits: a kill of one session goes through while another starts (T-17), and a runtime that hangs is ended at its deadline.
//
//   hears     sandbox  proto/sandbox_to_launcher.h
//   never     a path, a command or text from a peer
//   threats   T-04, T-06 by the bundle and the cgroup; T-13, T-17 by kill and destroy

#include <functional>
#include <memory>

#include "sandbox/helpers.h"
#include "wire/loop.h"

namespace ocu::sandbox {

class Launcher {
public:
    // Mounts the image, finds the cgroups, writes the files that all guests share. Errors: os, not_found, malformed.
    // `shipped`: the operator's read-only file systems, one for each name in the configuration.
    static Result<std::unique_ptr<Launcher>> begin(wire::Loop& loop, LauncherConfig config, std::vector<UniqueFd> shipped = {});
    ~Launcher();

    // Serves until the link closes, then kills and destroys every slot and calls `finished`.
    void serve(UniqueFd link, std::function<void()> finished);

private:
    struct State;
    explicit Launcher(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ocu::sandbox
