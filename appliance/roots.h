// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What upstreams of bumped connections are verified against (EG-9): the public roots that this machine has, and the customer's own. One file
// for all sessions, in memory, that nobody can change any more.

#include <string_view>

#include "base/unique_fd.h"

namespace ocu::appliance {

inline constexpr std::size_t kPublicRootsBytesMax = 2u << 20;

// `extra_pem`: in PEM, judged at admission. A machine without public roots has only these. The descriptor reads and does not write.
// Errors: os, over_limit.
Result<UniqueFd> make_roots(std::string_view extra_pem);
// The same with `pem` alone: for one place whose signer is known.
Result<UniqueFd> make_only_root(std::string_view pem);

}  // namespace ocu::appliance
