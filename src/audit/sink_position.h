// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How far a sink is, as a file in its own folder (docs/formats/audit-sinks.md). It names the last record that was delivered by number and by hash, so that one
// which is damaged, or of another log, is noticed: then the sink begins at the beginning and skips nothing. Helper only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/chain.h"

namespace ocu::audit {

inline constexpr char kPositionFile[] = "position";
inline constexpr char kPositionAside[] = "position.new";
inline constexpr std::size_t kPositionBytesMax = 512;

struct SinkPosition {
    std::uint64_t position = 0;  // records that are delivered
    std::uint64_t segment = 0;   // in which the last of them lies
    Digest last{};               // its leaf hash; zero before the first

    bool operator==(SinkPosition const&) const = default;
};

// `place`: what the position is for. The same sink elsewhere has delivered nothing there.
std::string format_position(SinkPosition const& position, Digest const& place);
// Nothing: it is another place's. Errors: malformed.
Result<std::optional<SinkPosition>> parse_position(std::string_view text, Digest const& place);

// Nothing: there is none, or it is another place's. Errors: malformed, os.
Result<std::optional<SinkPosition>> load_position(int folder, Digest const& place);
// Old or new, and on disk. Errors: os.
Result<void> store_position(int folder, SinkPosition const& position, Digest const& place);

}  // namespace ocu::audit
