// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a guest's file operations enter: the FUSE protocol of one session's mount, by libfuse's low-level interface, translated to
// SessionTree. Which session it is, is known by the connection. Runs in the `broker` helper, after confinement.
//
// Left to the kernel on purpose by not being implemented: advisory locks (they are then local to the session, which is all that there
// is), permission checks (default_permissions), extended attributes (refused: ENOTSUP), hard links (session_tree.h says why), ioctl.
//
//   threats   T-06, T-08; T-17: when this process dies the kernel aborts the connection, and nothing in the guest can hang on it

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "storage/session_tree.h"
#include "wire/loop.h"

namespace ocu::storage {

class MountFace {
public:
    // Before confinement: `connection` is /dev/fuse, mounted already.
    static Result<std::unique_ptr<MountFace>> attach(UniqueFd connection, SessionTree& tree);
    ~MountFace();
    MountFace(MountFace const&) = delete;
    MountFace& operator=(MountFace const&) = delete;

    // Serves on the loop; calls `ended` when the mount is gone.
    Result<void> serve(wire::Loop& loop, std::function<void()> ended);

    // The other face has removed or replaced what this number stands for: the kernel asks for its attributes again, hears that it is stale,
    // and looks the name up anew. (Telling it to forget the name itself would wait for a lock that a request of the guest's may hold which
    // waits for us.)
    void gone(NodeId node);

private:
    struct State;
    explicit MountFace(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ocu::storage
