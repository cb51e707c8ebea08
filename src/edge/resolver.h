// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A guest's DNS query read, and answered without asking anyone (EG-4). A name that no rule names is NXDOMAIN, because that is what makes a
// program stop at once: after REFUSED or SERVFAIL stub resolvers try again for seconds and then speak of a temporary failure. Without an
// SOA record the answer is not cached (RFC 2308), so a name that is allowed later works at once. A name that may be reached has its
// synthetic addresses and no record of any other type: with HTTPS and SVCB a program would learn of keys (ECH) and of other addresses.
// Parsed and printed by c-ares.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/name_pool.h"

namespace ocu::edge {

inline constexpr std::size_t kDnsDatagramBytesMax = 4096;

struct DnsQuestion {
    std::uint16_t id = 0;
    std::uint16_t flags = 0;
    bool understood = false;     // else the answer is FORMERR
    std::string asked;           // the name as c-ares prints it
    std::string name;            // lower case, without the last dot; printable, at most 253 bytes
    std::uint16_t type = 0;      // 1: A, 28: AAAA, ...
    std::uint16_t klass = 0;     // 1: IN
};

// Errors: malformed (an answer, or too short for a header: to be dropped in silence, so that no two resolvers talk for ever).
Result<DnsQuestion> read_question(std::span<std::uint8_t const> datagram);

// NXDOMAIN, or FORMERR for what was not understood. Errors: malformed (it cannot be printed).
Result<std::vector<std::uint8_t>> refuse_name(DnsQuestion const& question);
// The address of the type that was asked for; NOERROR and nothing for any other type.
Result<std::vector<std::uint8_t>> answer_name(DnsQuestion const& question, NamePool::Addresses const& addresses);

}  // namespace ocu::edge
