// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The files of `sandbox.mounts` on the booted machine: copied from a stick into memory, before their manifest goes on trial.
//
//   FOLDER/SHA256           each content once, at most kCopiedFileBytesMax; the folder's own tmpfs bounds them together
//   FOLDER/now/NAME.erofs   links to those of the manifest that the core is started with: what `run --mounts` is told
//
// The bytes are a stranger's: stick's helper copies and hashes them, this process never reads one, and the core reads every file whole again
// before the kernel sees it. A file that is being copied has no name. Threading: the loop's thread only.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "appliance/init/plan_actions.h"

namespace ocu::init {

class ShippedFiles {
public:
    using Copied = std::function<void(std::optional<StickFailure>)>;
    // As Sticks::copy_file.
    using Copy = std::function<void(Candidate const& on, FileToCopy file, Copied done)>;

    // `folder`: exists, nobody else writes into it.
    ShippedFiles(std::string folder, Copy copy) : folder_(std::move(folder)), copy_(std::move(copy)) {}

    // One file after the other, up to the first that fails. Answers once, maybe before it returns: a reason that is empty says that all are
    // there.
    void fetch(Fetch const& order, std::function<void(manifest::Refusal)> done);
    void keep_only(std::set<std::string> const& hashes);
    // Makes FOLDER/now hold these and no others; its path. Errors: os.
    Result<std::string> lay_out(std::vector<manifest::ShippedDirectory> const& wanted);

private:
    struct Order {
        Fetch fetch;
        std::size_t next = 0;
        std::function<void(manifest::Refusal)> done;
    };
    void fetch_next(std::shared_ptr<Order> const& order);
    void fetched(std::shared_ptr<Order> const& order, int file, std::optional<StickFailure> const& failure);

    std::string folder_;
    Copy copy_;
    std::set<std::string> held_;  // hashes
    std::vector<std::string> laid_out_;  // paths
};

}  // namespace ocu::init
