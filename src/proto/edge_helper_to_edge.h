// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that reads what guests send, and its thread. The thread gives it lanes, the helper says what it refused.

#include <array>

#include "base/id.h"
#include "proto/reason.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

enum class EgressPolicy : std::uint8_t { deny_all, kLast = deny_all };

struct EdgeConfig {
    EgressPolicy policy = EgressPolicy::deny_all;

    static void fields(auto& wire, auto& m) { wire(m.policy); }
};

// With two descriptors: the lane's TCP listener and its DNS socket.
struct LaneOpen {
    static constexpr Type kType = Type::lane_open;
    SessionId session;

    static void fields(auto& wire, auto& m) { wire(m.session); }
};

struct LaneClose {
    static constexpr Type kType = Type::lane_close;
    SessionId session;

    static void fields(auto& wire, auto& m) { wire(m.session); }
};

// Nothing of this lane is left in the helper, or it could not be opened. No word about the session follows.
struct LaneClosed {
    static constexpr Type kType = Type::lane_closed;
    SessionId session;

    static void fields(auto& wire, auto& m) { wire(m.session); }
};

enum class EgressProtocol : std::uint8_t { tcp, http, tls, dns, kLast = dns };

constexpr std::string_view name_of(EgressProtocol protocol)
{
    constexpr std::string_view kNames[] = {"tcp", "http", "tls", "dns"};
    return kNames[static_cast<std::size_t>(protocol)];
}

// `count` refusals that were alike. Texts are printable ASCII without spaces.
struct EgressDenied {
    static constexpr Type kType = Type::egress_denied;
    SessionId session;
    EgressProtocol protocol{};
    Reason reason{};
    wire::Text<64> destination;  // the address that was asked for; "*" where many were folded into one
    std::uint16_t port = 0;
    wire::Text<256> name;        // what the guest called it: HTTP Host, DNS name
    std::uint32_t count = 0;

    static void fields(auto& wire, auto& m) { wire(m.session, m.protocol, m.reason, m.destination, m.port, m.name, m.count); }
};

inline constexpr std::array kEdgeToHelper{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_open), 2, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::lane_close), 0, 8},
};
inline constexpr std::array kHelperToEdge{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_closed), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::egress_denied), 0, 8 + 1 + 2 + 4 + 64 + 2 + 4 + 256 + 4},
};

}  // namespace ocu::proto
