// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The first process asks one `time` helper for one measurement against one server, gives it the connection it needs, hears one answer
// and ends it. The helper makes no socket: it names the port that the server told it, and gets a socket to that port of the same address
// or nothing. What it answers is judged by init (appliance/init/time_policy.h): a lost helper can lie about the time within what
// is plausible, and can do nothing else (T-21).

#include <array>
#include <chrono>

#include "helper/helper.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kTimeRootsBytesMax = 48u << 10;

// With one descriptor: a TCP socket whose connection to the server's key exchange is under way, non-blocking.
struct TimeConfig {
    wire::Text<253> host;     // as in the server's certificate
    wire::Text<64> address;   // numeric: the only one that the server may send us to
    wire::Text<kTimeRootsBytesMax> roots_pem;
    std::chrono::milliseconds key_exchange_wait{8'000};
    std::chrono::milliseconds answer_wait{1'500};  // for each packet

    static void fields(auto& wire, auto& m) { wire(m.host, m.address, m.roots_pem, m.key_exchange_wait, m.answer_wait); }
};

struct TimeSocketWanted {
    static constexpr Type kType = Type::time_socket_wanted;
    std::uint16_t port = 0;
    static void fields(auto& wire, auto& m) { wire(m.port); }
};

// With one descriptor: a UDP socket connected to that port of the server's address, non-blocking.
struct TimeSocket {
    static constexpr Type kType = Type::time_socket;
    std::uint8_t nothing = 0;
    static void fields(auto& wire, auto& m) { wire(m.nothing); }
};

// The server's clock against this machine's monotonic one, which nobody steps: a measurement stays true while others set the wall clock.
struct TimeMeasured {
    static constexpr Type kType = Type::time_measured;
    std::chrono::nanoseconds unix_minus_monotonic{};
    std::chrono::nanoseconds delay{};  // of the best exchange; the error is at most half of it
    std::uint8_t stratum = 0;
    std::uint8_t exchanges = 0;        // how many were good

    static void fields(auto& wire, auto& m) { wire(m.unix_minus_monotonic, m.delay, m.stratum, m.exchanges); }
};

enum class TimeFailure : std::uint8_t {
    unreachable,         // no connection
    silent,              // no answer in time
    untrusted,           // its certificate leads to none of the roots
    certificate_dates,   // not valid by this machine's clock: one of the two is wrong
    certificate_name,    // for another host
    no_time_security,    // it does not speak NTS, or not with our algorithm
    refused,             // it said an error
    malformed,           // it broke the grammar
    other_server,        // it sends us to another machine
    keys_refused,        // it no longer knows the keys that it gave (NTSN)
    not_synchronised,    // it does not know the time itself
    too_far,             // answers take so long that they say nothing
    altered,             // answers came, and none was authentic
    broken,              // the helper ended without a word
    kLast = broken,
};

struct TimeFailed {
    static constexpr Type kType = Type::time_failed;
    TimeFailure why{};
    static void fields(auto& wire, auto& m) { wire(m.why); }
};

inline constexpr std::array kTimeMaySend{wire::Permit{helper::kReadyType, 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::time_socket_wanted), 0, 2},
    wire::Permit{static_cast<std::uint16_t>(Type::time_measured), 0, 18},
    wire::Permit{static_cast<std::uint16_t>(Type::time_failed), 0, 1}};

}  // namespace ocu::proto
