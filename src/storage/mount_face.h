// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a guest's file operations enter: the FUSE protocol of one session's mount, by libfuse's low-level interface, translated to
// SessionTree. Which session it is, is known by the connection. Runs in the `broker` helper, after confinement.
//
// Left to the kernel on purpose by not being implemented: advisory locks (they are then local to the session, which is all that there
// is), permission checks (default_permissions), O_TMPFILE, copy_file_range (the kernel reads and writes instead), ioctl.
//
//   threats   T-06, T-08; T-17: when this process dies the kernel aborts the connection, and nothing in the guest can hang on it

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "storage/mount_meter.h"
#include "storage/session_tree.h"
#include "wire/loop.h"

namespace ocu::storage {

class MountFace {
public:
    // Before confinement: `connection` is /dev/fuse, mounted already. `meter` counts what it carries.
    static Result<std::unique_ptr<MountFace>> attach(UniqueFd connection, MountMeter meter);
    ~MountFace();
    MountFace(MountFace const&) = delete;
    MountFace& operator=(MountFace const&) = delete;

    // Serves `tree` on the loop; calls `ended` when the mount is gone. Both outlive this.
    void serve(wire::Loop& loop, SessionTree& tree, std::function<void()> ended);

    // Somebody else changed this node: what the kernel remembers of it is old. Its attributes alone are given up, because that takes no lock;
    // to take back a name, the kernel would wait for the directory's lock, which may be held by who waits for our answer. A name that is gone
    // is found out at the next use of its node (ESTALE, upon which the kernel looks it up anew).
    void changed(NodeId node);

private:
    struct State;
    explicit MountFace(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ocu::storage
