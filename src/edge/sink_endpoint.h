// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a sink of the record is dialled (AU-6), as the manifest says it. No rule's, and nothing that a guest can reach. Made by appliance/manifest.

#include <cstdint>
#include <string>
#include <vector>

#include "proto/edge_to_uplink.h"

namespace ocu::edge {

struct SinkEndpoint {
    std::string host;  // DNS name in lower case, or numeric address; empty: it is nothing that is dialled
    bool numeric = false;
    std::uint16_t port = 0;
    std::vector<proto::AddressRange> ranges;  // where it may be dialled; empty: only at public addresses
    std::string ca_pem;  // what signs the receiver's certificate; empty: whoever signs upstreams' may sign it
};

}  // namespace ocu::edge
