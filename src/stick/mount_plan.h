// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a stick's volume is mounted, as data. What a stick says of itself decides none of it.

#include <string>
#include <utility>
#include <vector>

#include "proto/stick_to_init.h"

namespace ocu::stick {

struct MountPlan {
    char const* type = nullptr;
    std::vector<std::pair<std::string, std::string>> options;  // an empty value: a flag
    unsigned attributes = 0;                                   // MOUNT_ATTR_*
};

// `reader`: the user id that is to find the volume's files its own, where the format has no owners. Errors: malformed (no format; an
// optical volume for writing is `denied`).
Result<MountPlan> plan_mount(proto::VolumeFormat format, proto::VolumeAccess access, std::uint32_t reader);

}  // namespace ocu::stick
