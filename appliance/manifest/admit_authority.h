// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// HOST[:PORT] as an endpoint of a manifest has it: a DNS name, a numeric address, an IPv6 one in brackets. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/manifest/refusal.h"
#include "edge/address.h"

namespace ocu::manifest {

struct Authority {
    std::string host;  // in lower case, without brackets
    std::uint16_t port = 0;
    std::optional<edge::Address> address;  // of a numeric one, which is a machine's
};

// With `usual_port` where none is said. Nothing may stand before or after it.
Admission<Authority> admit_authority(std::string const& key, std::string_view text, std::uint16_t usual_port);

}  // namespace ocu::manifest
