// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Numbers that name things, told apart by type: a SessionId is not a CallId.

#include <compare>
#include <cstdint>
#include <functional>

namespace ocu {

template <class Tag>
struct Id {
    std::uint64_t value = 0;

    constexpr auto operator<=>(Id const&) const = default;
    constexpr explicit operator bool() const { return value != 0; }
};

using SessionId = Id<struct SessionTag>;   // random, 64 bits, never reused; 0 = no session
using CallId = Id<struct CallTag>;         // one tool call; the gateway numbers them
using CallerId = Id<struct CallerTag>;     // an authenticated MCP caller; the manifest's order + 1
using RequestId = Id<struct RequestTag>;   // pairs an answer with its question on one channel
using EventNumber = Id<struct EventTag>;   // index in the Merkle log + 1
using ConnectionId = Id<struct ConnectionTag>;

// A session's place in the launcher's tables: its id range, cgroup, directories and lane follow from it. Reused, unlike SessionId.
using Slot = Id<struct SlotTag>;

}  // namespace ocu

template <class Tag>
struct std::hash<ocu::Id<Tag>> {
    std::size_t operator()(ocu::Id<Tag> id) const noexcept { return std::hash<std::uint64_t>{}(id.value); }
};
