// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What an archive that a stranger made claims to hold, as text for an agent. Headers only: nothing is unpacked, nothing nested is opened,
// no claim is believed further than to count it, and names are printed so that they can forge neither a line nor a terminal sequence. What
// is dangerous is what an upload would be refused for, by the same rules (storage/archive_rules.h). Runs in the `parser` helper.
//
//   threats   T-16 hostile archive   T-07 names that attack the reader

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ocu::storage {

struct ArchiveReport {
    std::string type;               // "ZIP 2.0 (deflation)", "GNU tar format, gzip"
    std::uint64_t entries = 0;
    std::uint64_t unpacked_bytes = 0;
    bool complete = false;          // every header was read
    // What unpacking would have to guard against.
    std::uint64_t escaping_names = 0;   // absolute, or with ".." or a backslash in them
    std::uint64_t odd_names = 0;        // that no file should have
    std::uint64_t links_out = 0;        // links whose target escapes
    std::uint64_t links = 0;
    std::uint64_t devices = 0;          // and fifos and sockets
    std::uint64_t encrypted = 0;
    std::uint64_t nested = 0;           // archives inside
    bool too_many_entries = false;
    bool too_large = false;             // claims more than kArchiveUnpackedBytesMax
    bool bomb_ratio = false;            // claims more than kArchiveRatioMax times its own size
    bool stopped = false;               // inspection itself had decompressed too much
    bool corrupt = false;               // broke off
    std::string listing;                // one line for each of the first kArchiveEntriesShown entries

    bool dangerous() const
    {
        return escaping_names + odd_names + links_out + devices != 0 || too_many_entries || too_large || bomb_ratio || stopped;
    }
};

// Errors: malformed (no archive of a known kind).
Result<ArchiveReport> inspect_archive(std::span<std::byte const> bytes);
// At most `bytes_max` bytes: type, sums, warnings, how to unpack it in the sandbox, and as much of the listing as fits.
std::string describe(ArchiveReport const& report, std::uint64_t packed_bytes, std::size_t bytes_max);

// Printable ASCII as it is; a backslash and everything else as \xNN; cut at `chars_max`.
std::string escaped(std::string_view name, std::size_t chars_max);

}  // namespace ocu::storage
