// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The state directory (03-interfaces: audit/ state/ store/ callers/ run/) and what the core makes in it before anything else runs.

#include <string>

#include "base/unique_fd.h"

namespace ocu::appliance {

struct StateDir {
    std::string path;
    UniqueFd lock;         // held for our life: two appliances cannot share a state
    UniqueFd audit;        // directory
    UniqueFd store;        // directory
    UniqueFd root;         // directory
    UniqueFd state;        // directory; custody keeps its vault in it, and machine_key.h its key
};

// Makes what is missing. Errors: conflict (another appliance runs on it), os.
Result<StateDir> open_state_dir(std::string const& path);

// The folder of one sink of the record, which is its process's own from then on, whoever's it was: STATE/audit-sinks/NAME. Errors: os.
Result<UniqueFd> open_sink_folder(StateDir const& dir, std::string const& name, std::uint32_t sink);

// A private mount namespace for the core and all that it starts, and a tmpfs in it: mounts made there end with the last of us.
// Returns the tmpfs's path, which is short and may be traversed by any user (a sandbox's root is not ours).
class RunDir {
public:
    static Result<RunDir> make();
    RunDir(RunDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    RunDir& operator=(RunDir&&) = delete;
    ~RunDir();

    std::string const& path() const { return path_; }
    // Writes a file that only we can change and anybody may read (or execute). Errors: os.
    Result<std::string> put_file(std::string const& name, std::string_view content, unsigned mode) const;

private:
    RunDir() = default;
    std::string path_;
};

// A network namespace with nothing in it but a loopback that is down.
Result<UniqueFd> make_empty_network_namespace();

}  // namespace ocu::appliance
