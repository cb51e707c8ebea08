// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The files front answers for itself alone so far: it authenticates nobody and serves no file, so nothing is asked of storage and a
// frame in either direction ends the link.

#include <array>

#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

// Descriptors: [0] the listening socket; [1] with `tls`, where custody writes the identity (helper/identity.h).
struct FilesFrontConfig {
    wire::List<wire::Text<255>, 16> hosts;  // values of Host that are ours, port included where it is not the scheme's own

    bool tls = false;

    static void fields(auto& wire, auto& m) { wire(m.hosts, m.tls); }
};

inline constexpr std::array<wire::Permit, 0> kFilesFrontMaySend{};
inline constexpr std::array<wire::Permit, 0> kStorageMaySendFilesFront{};

}  // namespace ocu::proto
