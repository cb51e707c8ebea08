// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a guest's bytes enter: the frames of its agent, decoded into types, each judged against what that agent may say at that moment.
// Nothing behind this face has anything left to validate (T-07, T-14).

#include <cstddef>
#include <span>
#include <variant>

#include "base/result.h"
#include "proto/exec_to_guest.h"

namespace ocu::sandbox {

using GuestSays = std::variant<proto::GuestReady, proto::GuestOutput, proto::GuestExited, proto::GuestFileDone, proto::GuestFailed,
    proto::GuestProcessDone, proto::GuestProcessEnded, proto::GuestIdle>;

// Errors: malformed.
Result<GuestSays> parse_guest_frame(std::uint16_t type, std::span<std::byte const> body);

}  // namespace ocu::sandbox
