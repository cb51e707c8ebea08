// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Files of a session as MCP resources (GW-10), as they travel gateway-front -> gateway -> storage -> broker and back. The gateway decides
// who asks and for which session; the broker alone knows the files.

#include <cstdint>

#include "base/id.h"
#include "proto/reason.h"
#include "proto/tool.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kResourcesPerPage = 100;
// Read whole: JSON makes four bytes of three, and a client keeps all of it in memory.
inline constexpr std::size_t kResourceBytesMax = 3u << 20;
static_assert(kResourceBytesMax / 3 * 4 <= kAnswerBytesMax);

enum class ResourceVerb : std::uint8_t { list, read, kLast = read };

struct ResourceAsk {
    ResourceVerb verb{};
    // read: the file, "outputs/a/b". list: the last path of the page before; empty: from the beginning. A guest may have made it.
    wire::Text<kPathBytesMax> path;

    static void fields(auto& wire, auto& m) { wire(m.verb, m.path); }
};

struct ResourceEntry {
    wire::Text<kPathBytesMax> path;
    std::uint64_t bytes = 0;
    wire::Text<96> media_type;  // from its first bytes
    Reason withheld = Reason::none;  // why it cannot be read, if it cannot

    static void fields(auto& wire, auto& m) { wire(m.path, m.bytes, m.media_type, m.withheld); }
};

enum class ResourceOutcome : std::uint8_t {
    done,
    no_such,     // no file of that name, or no session yet
    too_large,   // more than kResourceBytesMax
    withheld,    // not downloadable
    failed,      // the store could not be read
    type_denied,  // files of this type are not given out
    kLast = type_denied,
};

struct ResourceAnswer {
    ResourceOutcome outcome{};
    wire::List<ResourceEntry, kResourcesPerPage> entries;  // list, in the order of their paths' bytes
    bool more = false;                                     // list: the last entry's path asks for the next page
    wire::Text<96> media_type;                             // read: of the body
    wire::Text<kResourceBytesMax> body;                    // read: the guest's or a stranger's bytes

    static void fields(auto& wire, auto& m) { wire(m.outcome, m.entries, m.more, m.media_type, m.body); }
};

inline constexpr std::uint32_t kResourceAnswerBytesMax = kResourceBytesMax + kResourcesPerPage * (kPathBytesMax + 96 + 16) + 512;

}  // namespace ocu::proto
