// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Removes one session's directory in small steps, so that the role's loop goes on. Its broker is dead by then, but its contents are
// what a guest made: nothing is opened through a link, and depth costs nothing, because each directory found inside another is first
// moved up beside it; no stack of descriptors grows with the tree (T-06, T-08, T-13).

#include <dirent.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::storage {

class TreeRemoval {
public:
    // `store` outlives this; `name` is a directory in it.
    static Result<TreeRemoval> begin(int store, std::string name);

    // Handles up to `entries` entries. True: all gone. An error means that something could not be removed; what is left is tried again
    // at the next start.
    Result<bool> step(std::size_t entries);
    std::uint64_t bytes() const { return bytes_; }  // size of the files removed so far

private:
    struct Close {
        void operator()(DIR* directory) const { ::closedir(directory); }
    };
    using Directory = std::unique_ptr<DIR, Close>;

    static Result<Directory> open(int parent, std::string const& name);
    Result<bool> step_inside();
    Result<bool> step_top();
    Result<void> move_up(std::string const& name);
    Result<void> remove_file(int directory, char const* name);

    int store_ = -1;
    std::string name_;
    Directory top_;
    Directory inside_;          // the directory of `top_` being emptied, if any
    std::string inside_name_;
    bool found_ = false;        // something was found in the current pass over `top_` / `inside_`
    bool inside_found_ = false;
    std::uint64_t moved_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace ocu::storage
