// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where sealed segments of the log are put so that nobody can remove them (AU-7), as the manifest says it. Made by appliance/manifest.

#include <cstdint>
#include <string>

#include "base/crypto/crypto.h"
#include "proto/audit_to_cold.h"

namespace ocu::audit {

struct Cold {
    proto::StorePlace store;  // with the prefix
    std::string place;        // in words
    proto::ColdMode mode{};
    std::uint32_t days = 0;      // the lock: audit.retention_days
    std::uint32_t hot_days = 0;  // 0: what is there stays here too for all those days

    // What a position is for: elsewhere, or with a longer lock, nothing is confirmed yet.
    crypto::Digest digest() const
    {
        return crypto::sha256(store.endpoint.str() + "\n" + store.bucket.str() + "\n" + store.prefix.str() + "\n" + std::string(name_of(mode)) + "\n" +
                              std::to_string(days) + "\n");
    }
};

}  // namespace ocu::audit
