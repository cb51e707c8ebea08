// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The MCP revisions that this endpoint speaks, and which era a request belongs to. Two eras: before 2026-07-28 a client begins with
// `initialize` (we remember nothing of it); from then on each request says in its _meta what it is.

#include <array>
#include <string_view>

namespace ocu::gateway {

enum class Era { handshake, stateless };

// Newest first.
inline constexpr std::array<std::string_view, 4> kRevisions{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"};
inline constexpr std::string_view kStatelessRevision = kRevisions[0];
inline constexpr std::string_view kNewestHandshakeRevision = kRevisions[1];

constexpr bool is_stateless(std::string_view revision) { return revision == kStatelessRevision; }

constexpr bool is_handshake(std::string_view revision)
{
    for (auto const each : kRevisions)
        if (each == revision) return !is_stateless(revision);
    return false;
}

// What `initialize` is answered with: the revision asked for, or the newest that begins so.
constexpr std::string_view negotiated(std::string_view wanted) { return is_handshake(wanted) ? wanted : kNewestHandshakeRevision; }

}  // namespace ocu::gateway
