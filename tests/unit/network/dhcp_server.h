// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Messages as a DHCP server would write them, option by option, so that each can be wrong in one place.

#include <algorithm>
#include <optional>
#include <vector>

#include "network/dhcp_face.h"

namespace ocu::network::test {

inline constexpr Mac kMac{0x52, 0x54, 0, 0x12, 0x34, 0x56};
inline constexpr std::uint32_t kTransaction = 0x3903f326;
inline constexpr Ip kServer = 0xc0000201;
inline constexpr Ip kOffered = 0xc0000232;

struct Message {
    std::uint8_t op = 2;
    std::uint8_t hardware = 1;
    std::uint8_t hardware_bytes = 6;
    std::uint32_t transaction = kTransaction;
    Ip address = kOffered;
    Mac mac = kMac;
    std::uint32_t cookie = 0x63825363;
    std::optional<std::uint8_t> type = 2;
    std::optional<std::uint32_t> mask = 0xffffff00;
    std::optional<std::uint32_t> router = kServer;
    std::optional<std::uint32_t> lease = 3600;
    std::optional<std::uint32_t> server = kServer;
    std::optional<std::uint32_t> renew, rebind;
    std::vector<std::uint8_t> further;  // options as they are
    bool end = true;

    std::vector<std::byte> bytes() const
    {
        std::vector<std::uint8_t> out{op, hardware, hardware_bytes, 0};
        number(out, transaction);
        out.resize(16);
        number(out, address);
        out.resize(28);
        out.insert(out.end(), mac.begin(), mac.end());
        out.resize(236);
        number(out, cookie);
        if (type) out.insert(out.end(), {53, 1, *type});
        option(out, 1, mask);
        option(out, 3, router);
        option(out, 51, lease);
        option(out, 54, server);
        option(out, 58, renew);
        option(out, 59, rebind);
        out.insert(out.end(), further.begin(), further.end());
        if (end) out.push_back(255);
        std::vector<std::byte> copy(out.size());
        std::ranges::transform(out, copy.begin(), [](auto each) { return static_cast<std::byte>(each); });
        return copy;
    }

private:
    static void number(std::vector<std::uint8_t>& out, std::uint32_t value)
    {
        for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    static void option(std::vector<std::uint8_t>& out, std::uint8_t code, std::optional<std::uint32_t> value)
    {
        if (!value) return;
        out.insert(out.end(), {code, 4});
        number(out, *value);
    }
};

}  // namespace ocu::network::test
