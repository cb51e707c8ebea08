// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The file mount of one session (F7). The descriptor is the FUSE connection that the launcher made and mounted: which session a
// request belongs to is known by the connection it comes by, never by what it says.

#include "base/id.h"
#include "base/unique_fd.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct MountAttach {
    SessionId session;
    Slot slot;
    UniqueFd fuse;
    std::uint32_t guest_uid = 0;  // host uid that files are shown to belong to
};

// Ends the broker of that session, which aborts the FUSE connection: nothing in the guest can hang on it afterwards.
struct MountDetach {
    SessionId session;
};

struct MountReady {
    SessionId session;
};

struct MountLost {
    SessionId session;  // could not be served, or its broker died
};

using SandboxToStorage = wire::Mailbox<MountAttach, MountDetach>;
using StorageToSandbox = wire::Mailbox<MountReady, MountLost>;

}  // namespace ocu::proto
