// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The storage thread has the store's credential written to a process that it starts. One credential, which the configuration of custody names;
// which one is not in the message, and the bytes pass no thread (T-12, T-31).

#include "base/id.h"
#include "base/unique_fd.h"
#include "wire/mailbox.h"

namespace ocu::proto {

// That process reads from the other end. Without one to give, `to` is closed, and the process does not start.
struct StoreCredentialWanted {
    UniqueFd to;
    SessionId session;  // 0: a sweep of an earlier run
};

using StorageToCustody = wire::Mailbox<StoreCredentialWanted>;

}  // namespace ocu::proto
