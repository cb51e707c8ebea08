// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// DHCPv4 messages (RFC 2131, options of RFC 2132), bytes in and type out. Anybody on the wire can send one (T-20).
//
//      0      1      2      3      4          8      10     12        16        20        24        28          44
//      +------+------+------+------+----------+------+------+---------+---------+---------+---------+-----------+
//      | op 2 | 1    | 6    | hops | xid      | secs | flags| ciaddr  | yiaddr  | siaddr  | giaddr  | chaddr 16 |
//      +------+------+------+------+----------+------+------+---------+---------+---------+---------+-----------+
//      | sname 64 | file 128 | 63 82 53 63 | options: code, length, value ... ff
//
// Read: options 1 (mask), 3 (router), 51 (lease time), 53 (type), 54 (server), 58, 59 (times). Names, name servers, time servers, static
// routes and everything else that a server offers are not read at all.

#include <array>
#include <span>
#include <vector>

#include "base/result.h"
#include "network/limits.h"

namespace ocu::network {

using Mac = std::array<std::uint8_t, 6>;
using Ip = std::uint32_t;  // 192.0.2.7 is 0xc0000207; 0 = none

enum class MessageType : std::uint8_t { discover = 1, offer = 2, request = 3, ack = 5, nak = 6 };

// What a server offered or acknowledged, inside all bounds. In a nak only `type` and `server` mean something.
struct Reply {
    MessageType type{};
    Ip server = 0;
    Ip address = 0;
    std::uint8_t prefix = 0;  // kPrefixMin..kPrefixMax
    Ip gateway = 0;
    std::chrono::seconds lease{};   // kLeaseMin..kLeaseMax
    std::chrono::seconds renew{};   // kRenewAfterMin <= renew < rebind < lease
    std::chrono::seconds rebind{};
};

// The one message that is waited for: everything else on the wire is somebody else's.
struct Expected {
    std::uint32_t transaction = 0;
    Mac mac{};
};

// Errors: not_found (not for us: another transaction or card), malformed, over_limit (size), denied (well formed, and refused: an
// address, mask, gateway or time that nobody should offer).
Result<Reply> parse_reply(std::span<std::byte const> message, Expected const& expected);

struct Ask {
    MessageType type{};  // discover or request
    std::uint32_t transaction = 0;
    Mac mac{};
    std::chrono::seconds since{};  // how long it has been trying
    Ip current = 0;                // ciaddr: the address that it has, when it is being prolonged
    Ip wanted = 0;                 // option 50
    Ip server = 0;                 // option 54
};

std::vector<std::byte> compose(Ask const& ask);

}  // namespace ocu::network
