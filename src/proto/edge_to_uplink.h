// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that has the network, and the thread that tells it what to dial. It resolves the name, judges every address against the deny
// set and the rule's own range, connects, and hands the socket back. It sees no byte that a guest sent but the name, and holds no secret.
// Where the manifest names the customer's proxy, it connects to that, asks for the tunnel, and hands the socket back behind the proxy's answer.
// Configuration: UplinkConfig; no descriptors.

#include <array>
#include <iterator>

#include "base/id.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kRangesMax = 16;

// An address and how many of its leading bits count. IPv4 in the last four bytes, mapped (::ffff:0:0/96), with 96 added to the bits.
struct AddressRange {
    std::array<std::uint8_t, 16> address{};
    std::uint8_t bits = 128;

    bool operator==(AddressRange const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.address, m.bits); }
};

// The customer's HTTP proxy, by which everything goes out (EG-9).
struct ChainedProxy {
    wire::Text<253> name;  // resolved at each dial; or
    wire::Text<45> address;  // numeric
    std::uint16_t port = 0;  // 0: there is none
    bool resolves = false;  // it is told names, where a rule has no addresses of its own; else always addresses that were judged here
    wire::List<AddressRange, kRangesMax> direct;  // these are dialled without it

    explicit operator bool() const { return port != 0; }
    bool operator==(ChainedProxy const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.name, m.address, m.port, m.resolves, m.direct); }
};

struct UplinkConfig {
    wire::List<wire::Text<64>, 8> resolvers;  // numeric, with an optional port as c-ares reads it; none: the host's own
    ChainedProxy proxy{};

    static void fields(auto& wire, auto& m) { wire(m.resolvers, m.proxy); }
};

struct Dial {
    static constexpr Type kType = Type::dial;
    RequestId request;
    wire::Text<253> name;                         // to be resolved; or
    wire::Text<45> address;                       // numeric, judged all the same
    std::uint16_t port = 0;
    // None: any address that is public. Otherwise only these, be they private or not.
    wire::List<AddressRange, kRangesMax> ranges;
    bool connect = true;  // false: nothing is dialled, and dial_judged says what each address would be (`ctl egress test`)
    bool direct = false;  // never by the proxy: one of our own servers (ICAP), and no destination of a guest's

    static void fields(auto& wire, auto& m) { wire(m.request, m.name, m.address, m.port, m.ranges, m.connect, m.direct); }
};

struct DialCancel {
    static constexpr Type kType = Type::dial_cancel;
    RequestId request;

    static void fields(auto& wire, auto& m) { wire(m.request); }
};

// With one descriptor, connected: to that address, or to the proxy, which has said that it is connected to it.
struct Dialled {
    static constexpr Type kType = Type::dialled;
    RequestId request;
    wire::Text<45> address;  // empty: the proxy was told the name

    static void fields(auto& wire, auto& m) { wire(m.request, m.address); }
};

enum class DialFailure : std::uint8_t {
    no_such_name,
    resolver_failed,  // no answer, or one that is not understood
    denied,  // every address is in the deny set or outside the rule's range
    unreachable,
    timed_out,
    over_limit,  // too many at once
    proxy_unreachable,  // no such name, nothing answers there, or it went away without an answer
    proxy_refused,  // it answered otherwise than with 2xx: `status`
    proxy_malformed,  // what it answered is not HTTP
    kLast = proxy_malformed
};

constexpr std::string_view name_of(DialFailure failure)
{
    constexpr std::string_view kNames[] = {"no_such_name", "resolver_failed", "denied", "unreachable", "timed_out", "over_limit",
        "proxy_unreachable", "proxy_refused", "proxy_malformed"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(DialFailure::kLast) + 1);
    return kNames[static_cast<std::size_t>(failure)];
}

constexpr bool is_of_proxy(DialFailure failure)
{
    return failure >= DialFailure::proxy_unreachable && failure <= DialFailure::proxy_malformed;
}

struct DialFailed {
    static constexpr Type kType = Type::dial_failed;
    RequestId request;
    DialFailure failure{};
    wire::Text<45> address;  // the first one that was judged, if any
    std::uint16_t status = 0;  // proxy_refused: what it said

    static void fields(auto& wire, auto& m) { wire(m.request, m.failure, m.address, m.status); }
};

inline constexpr std::size_t kJudgedMax = 16;

struct JudgedAddress {
    wire::Text<45> address;
    wire::Text<32> what;  // why it is not public, or "this machine"; empty for a public one
    bool permitted = false;  // it would be dialled

    static void fields(auto& wire, auto& m) { wire(m.address, m.what, m.permitted); }
};

// For a Dial that is not to connect and whose name has addresses.
struct DialJudged {
    static constexpr Type kType = Type::dial_judged;
    RequestId request;
    wire::List<JudgedAddress, kJudgedMax> addresses;

    static void fields(auto& wire, auto& m) { wire(m.request, m.addresses); }
};

inline constexpr std::array kEdgeToUplink{
    wire::Permit{static_cast<std::uint16_t>(Type::dial), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::dial_cancel), 0, 8},
};
inline constexpr std::array kUplinkToEdge{
    wire::Permit{static_cast<std::uint16_t>(Type::dialled), 1, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::dial_failed), 0, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::dial_judged), 0, 16 + kJudgedMax * (4 + 45 + 4 + 32 + 1)},
};

}  // namespace ocu::proto
