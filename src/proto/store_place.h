// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where the objects of one session, or of one run of the appliance, lie in a store elsewhere: what a process is told that works there. How it
// gets there is not in it, and no address: that is the storage lane's to know (T-31).

#include <cstddef>

#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kStoreCaBytesMax = 64u << 10;

struct StorePlace {
    wire::Text<280> endpoint;  // "https://NAME[:PORT]" or "http://NAME[:PORT]"; empty: the engine is the local one
    wire::Text<64> region;
    wire::Text<63> bucket;
    wire::Text<640> prefix;  // ends with "/"
    bool path_style = false;
    wire::Text<kStoreCaBytesMax> ca_pem;

    explicit operator bool() const { return !endpoint.empty(); }
    static void fields(auto& wire, auto& m) { wire(m.endpoint, m.region, m.bucket, m.prefix, m.path_style, m.ca_pem); }
};

}  // namespace ocu::proto
