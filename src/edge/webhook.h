// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a tripwire is told (EG-10), as the manifest says it. Made by appliance/manifest.

#include <cstdint>
#include <string>
#include <vector>

#include "proto/edge_to_uplink.h"

namespace ocu::edge {

struct Webhook {
    std::string url;        // as it is written, for words
    std::string host;       // DNS name in lower case, or numeric address
    std::string authority;  // for Host
    std::string target;     // path and query
    std::string key;        // the name of the credential that signs
    std::string appliance;  // this machine's name, as the receiver reads it
    std::string ca_pem;     // what signs the receiver's certificate; empty: whoever signs upstreams' may sign it
    std::vector<proto::AddressRange> ranges;  // where it may be dialled; empty: only at public addresses
    std::uint16_t port = 443;
    bool tls = true;
    bool numeric = false;

    std::string place() const { return host + ":" + std::to_string(port); }
};

}  // namespace ocu::edge
