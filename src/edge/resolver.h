// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Answers a guest's DNS query without asking anyone (EG-4): every name is refused. The answer is NXDOMAIN, because that is what makes a
// program stop at once: after REFUSED or SERVFAIL stub resolvers try again for seconds and then speak of a temporary failure. Without an
// SOA record the answer is not cached (RFC 2308), so a name that is allowed later works at once. Parsed and printed by c-ares.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ocu::edge {

inline constexpr std::size_t kDnsDatagramBytesMax = 4096;

struct DnsRefusal {
    std::vector<std::uint8_t> reply;
    std::string name;  // asked for, printable, at most 253 bytes; empty if the question is not understood (the answer is then FORMERR)
    std::string type;  // "A", "AAAA", ...
};

// Errors: malformed (an answer, or too short for a header: to be dropped in silence, so that no two resolvers talk for ever).
Result<DnsRefusal> refuse_query(std::span<std::uint8_t const> datagram);

}  // namespace ocu::edge
