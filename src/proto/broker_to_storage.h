// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The broker helper is told once what it serves, says once that it serves, and says when a chunk of its store does not open. A frame of any
// other kind means that it is no longer ours (T-14).

#include <array>

#include "helper/helper.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

// With it come two descriptors: the FUSE connection, and the session's directory.
struct BrokerConfig {
    std::uint32_t owner = 0;  // host uid that files are shown to belong to
    std::uint64_t file_bytes_max = 0;
    std::uint64_t session_bytes_max = 0;

    static void fields(auto& wire, auto& m) { wire(m.owner, m.file_bytes_max, m.session_bytes_max); }
};

// What lies in the session's directory is not what was sealed. At most one a second.
struct StoreDamaged {
    static constexpr Type kType = Type::store_damaged;

    static void fields(auto& wire, auto&) { wire(); }
};

inline constexpr std::array kBrokerMaySend{
    wire::Permit{helper::kReadyType, 0, 0}, wire::Permit{static_cast<std::uint16_t>(Type::store_damaged), 0, 0}};
inline constexpr std::array<wire::Permit, 0> kStorageMaySendBroker{};

}  // namespace ocu::proto
