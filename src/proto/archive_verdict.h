// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the parser says of an archive that somebody wants to bring in (SB-7, T-32): the rule that it breaks, or that it breaks none, with what is worth
// noting. Numbers and one word: no byte of the archive's own goes on.

#include <array>
#include <cstdint>
#include <string_view>

namespace ocu::proto {

// The first rule that was found broken. The word is on record and in the answer; a sentence for each is in storage/files_text.
enum class ArchiveRule : std::uint8_t {
    none,
    unreadable,  // not what it begins as: damaged, cut, of a method that is not read here, or such that two readers would see two archives
    encrypted,  // what is inside cannot be counted
    entries,  // too many
    size,  // unpacks to too much
    ratio,  // unpacks to too many times its own size
    nesting,  // archives in archives, too deep or too large to be looked into
    overlap,  // two entries share bytes
    path,  // a name that leads elsewhere
    link,  // a link that leads elsewhere, or an entry beneath a link
    device,  // a device, fifo or socket
    name,  // a name that no file should have
    twice,  // two entries of one name, where readers differ on which one counts
    unchecked,  // the parser ended on it, or took too long
    kLast = unchecked,
};

constexpr std::string_view name_of(ArchiveRule rule)
{
    constexpr std::array<std::string_view, 14> kNames{"none", "unreadable", "encrypted", "entries", "size", "ratio", "nesting", "overlap",
        "path", "link", "device", "name", "twice", "unchecked"};
    static_assert(kNames.size() == static_cast<std::size_t>(ArchiveRule::kLast) + 1);
    return kNames[static_cast<std::size_t>(rule)];
}

struct ArchiveVerdict {
    ArchiveRule rule{};
    std::uint32_t entries = 0;  // of all layers, like the rest
    std::uint64_t unpacked_bytes = 0;
    std::uint32_t nested = 0;  // archives inside, looked into
    std::uint32_t not_utf8 = 0;  // names
    std::uint32_t repeated = 0;  // names that are there more than once
    std::uint32_t case_twins = 0;  // names that differ by case only

    static void fields(auto& wire, auto& m) { wire(m.rule, m.entries, m.unpacked_bytes, m.nested, m.not_utf8, m.repeated, m.case_twins); }
};

}  // namespace ocu::proto
