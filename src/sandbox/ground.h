// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a slot stands on, made and taken away in single steps that do not wait: directories, mounts, lane, channel, cgroup, bundle.
// The order of events is the launcher's (launcher.h); this knows none.

#include "proto/control_to_sandbox.h"
#include "sandbox/cgroup.h"
#include "sandbox/lane.h"
#include "sandbox/place.h"

namespace ocu::sandbox {

struct Prepared {
    UniqueFd fuse;
    Lane lane;
    UniqueFd channel_host;
    UniqueFd channel_guest;
    UniqueFd monitor;  // under runc a socket that nobody can connect to
};

class Ground {
public:
    // Once per launcher. Errors: os, not_found (cgroups, a mount point in the image), denied (the run directory cannot be reached).
    // `shipped`: the files of `config.shipped`, needed until it returns.
    static Result<Ground> open(LauncherConfig config, std::vector<UniqueFd> const& shipped);

    LauncherConfig const& config() const { return config_; }
    Cgroups const& cgroups() const { return cgroups_; }

    // On failure, clear() what has been made.
    Result<Prepared> prepare(Place const& place, proto::Tier tier) const;
    Result<void> write_bundle(Place const& place, proto::Tier tier) const;
    // False: something is still busy; try again. Idempotent, and never descends into a mount.
    bool clear(Place const& place) const;
    // The shared parts, at the very end.
    void close() const;

private:
    Ground(LauncherConfig config, Cgroups cgroups) : config_(std::move(config)), cgroups_(std::move(cgroups)) {}
    Result<void> write_shared() const;
    Result<void> write_trust();
    Result<void> check_image();
    Result<void> place_root(Place const& place) const;

    LauncherConfig config_;
    Cgroups cgroups_;
    bool image_has_readme_ = false;
    bool image_has_roots_ = false;
    bool image_has_java_roots_ = false;
};

}  // namespace ocu::sandbox
