// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The `dhcp` helper tells the first process of the booted machine which lease its interface has. One helper for each interface. What it
// says is a stranger's word, parsed (T-20): init judges it again before anything is configured. Init says nothing back.

#include <array>

#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

// With one descriptor: a UDP socket bound to 0.0.0.0:68 and to the interface, allowed to broadcast.
struct DhcpConfig {
    std::array<std::uint8_t, 6> mac{};
    static void fields(auto& wire, auto& m) { wire(m.mac); }
};

// Addresses as numbers: 192.0.2.7 is 0xc0000207. Sent when a lease begins, and each time it is prolonged.
struct DhcpLease {
    static constexpr Type kType = Type::dhcp_lease;

    std::uint32_t address = 0;
    std::uint8_t prefix = 0;
    std::uint32_t gateway = 0;  // 0 = none
    std::uint32_t server = 0;
    std::uint32_t valid_s = 0;  // from now
    static void fields(auto& wire, auto& m) { wire(m.address, m.prefix, m.gateway, m.server, m.valid_s); }
};

enum class DhcpLoss : std::uint8_t { expired, refused, kLast = refused };

struct DhcpLost {
    static constexpr Type kType = Type::dhcp_lost;

    DhcpLoss why{};
    static void fields(auto& wire, auto& m) { wire(m.why); }
};

inline constexpr std::array kDhcpMaySend{wire::Permit{static_cast<std::uint16_t>(Type::dhcp_lease), 0, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::dhcp_lost), 0, 64}};
inline constexpr std::array<wire::Permit, 0> kInitMaySendDhcp{};

}  // namespace ocu::proto
