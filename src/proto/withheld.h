// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Contents that may not leave their session (SB-5, T-33): what a session's broker has found out, told on to whoever lets bytes of that session
// out. Digests alone, never a byte or a name. A change is told whole, in pieces of kWithheldPerMessageMax.
//
//     broker ── contents_withheld ──> storage thread ── StorageToEdge ──> edge thread ── withheld_contents ──> that session's edge helper

#include <array>
#include <compare>

#include "base/id.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kWithheldContentsMax = 4'096;  // of one session; beyond them no body of a request leaves it
inline constexpr std::size_t kWithheldPerMessageMax = 64;

// A file's whole content. What has another length is not compared.
struct WithheldContent {
    std::uint64_t size = 0;
    std::array<std::uint8_t, 32> sha256{};

    auto operator<=>(WithheldContent const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.size, m.sha256); }
};

using WithheldList = wire::List<WithheldContent, kWithheldPerMessageMax>;

struct WithheldChange {
    WithheldList more;
    WithheldList less;
    bool overflow = false;  // there are more than can be told; never taken back

    static void fields(auto& wire, auto& m) { wire(m.more, m.less, m.overflow); }
};

inline constexpr std::size_t kWithheldChangeBytesMax = 2 * kWithheldPerMessageMax * 40 + 64;

// broker -> storage thread
struct ContentsWithheld {
    static constexpr Type kType = Type::contents_withheld;
    WithheldChange change;

    static void fields(auto& wire, auto& m) { wire(m.change); }
};

// edge thread -> edge helper
struct WithheldContents {
    static constexpr Type kType = Type::withheld_contents;
    WithheldChange change;

    static void fields(auto& wire, auto& m) { wire(m.change); }
};

// storage thread -> edge thread
struct SessionWithholds {
    SessionId session;
    WithheldChange change;
};

}  // namespace ocu::proto
