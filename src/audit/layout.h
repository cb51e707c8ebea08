// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Names inside the audit directory, and the bytes of tiles and entry bundles (docs/formats/audit.md). Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/tree.h"

namespace ocu::audit {

inline constexpr std::string_view kCheckpointPath = "checkpoint";
inline constexpr std::string_view kWitnessedFolder = "witnessed";
inline constexpr std::string_view kRetentionPath = "retention";
inline constexpr std::string_view kColdPath = "cold";
inline constexpr std::string_view kKeyPath = "keys/checkpoint.pub";

std::string segment_path(std::uint64_t number);
std::string index_path(std::uint64_t index);                               // 1234067 -> x001/x234/067
std::string tile_path(unsigned level, std::uint64_t index);                // full
std::string tile_path(unsigned level, std::uint64_t index, std::size_t width);  // width kTileWidth: full
std::string entries_path(std::uint64_t index, std::size_t width);
std::string witnessed_path(std::string_view witness);                         // the last head that it cosigned
std::string witness_key_path(std::string_view witness, std::uint32_t key_id);
std::string head_path(std::string_view source);

std::string tile_bytes(std::vector<Digest> const& hashes);
// Errors: malformed (not a whole number of hashes, or not `width` of them).
Result<std::vector<Digest>> parse_tile(std::string_view bytes, std::size_t width);
void add_entry(std::string& bundle, std::string_view record);
// Views into `bundle`. Errors: malformed (it does not end with an entry, or has more than a bundle has).
Result<std::vector<std::string_view>> parse_bundle(std::string_view bundle);

std::string format_head(std::uint64_t sequence, Digest const& hash);
struct SourceHead {
    std::uint64_t sequence;
    Digest hash;
};
Result<SourceHead> parse_head(std::string_view text);
// The number of the segment that is named so, NNNNNNNN.seg. Errors: malformed.
Result<std::uint64_t> parse_segment_name(std::string_view name);
// Decimal without leading zeros. Errors: malformed.
Result<std::uint64_t> parse_number(std::string_view text);

}  // namespace ocu::audit
