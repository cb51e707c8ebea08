// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The supervisor tells a role that its helper is up or down. A role fails closed between Down and Up.

#include "base/unique_fd.h"
#include "helper/kind.h"
#include "wire/codec.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct HelperUp {
    helper::Kind kind;
    UniqueFd link;
    wire::Bytes report;  // what the helper said when it reported ready
};

struct HelperDown {
    helper::Kind kind;
};

// Orderly end: answer or end what is under way, then call the `stopped` function that the role was built with.
struct StopRole {};

using CoreToRole = wire::Mailbox<HelperUp, HelperDown, StopRole>;

}  // namespace ocu::proto
