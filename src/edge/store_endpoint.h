// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where session files lie, if not on this machine: what may be connected to for them (F9). Made by appliance/manifest.

#include <cstdint>
#include <string>
#include <vector>

namespace ocu::edge {

struct StoreEndpoint {
    std::vector<std::string> addresses;  // numeric; none: they lie here
    std::uint16_t port = 0;
    bool own_addresses = false;  // they may be this machine's own
};

}  // namespace ocu::edge
