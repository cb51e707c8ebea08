// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What one session's files may take (T-06): bytes, as sizes less holes; entries, one for each name; and text, which is what the tree itself
// keeps in memory of names, link targets and extended attributes. Pure.

#include <algorithm>
#include <cstdint>

namespace ocu::storage {

class Quota {
public:
    Quota(std::uint64_t bytes_max, std::uint64_t entries_max, std::uint64_t text_max)
        : bytes_max_(bytes_max), entries_max_(entries_max), text_max_(text_max)
    {}

    bool has_bytes(std::uint64_t more) const { return more <= bytes_max_ - bytes_; }
    bool has_entry() const { return entries_ < entries_max_; }
    // A file changed its size. Growth was asked for first, so the sum stays within the limit.
    void resized(std::uint64_t before, std::uint64_t after) { bytes_ = std::min(bytes_max_, bytes_ - std::min(bytes_, before) + after); }
    void entry_made() { ++entries_; }
    void entry_gone() { entries_ -= std::min<std::uint64_t>(entries_, 1); }

    bool has_text(std::uint64_t more) const { return more <= text_max_ - text_; }
    void text_changed(std::uint64_t before, std::uint64_t after) { text_ = std::min(text_max_, text_ - std::min(text_, before) + after); }

    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t text() const { return text_; }
    std::uint64_t entries() const { return entries_; }
    std::uint64_t bytes_max() const { return bytes_max_; }
    std::uint64_t entries_max() const { return entries_max_; }

private:
    std::uint64_t bytes_max_;
    std::uint64_t entries_max_;
    std::uint64_t text_max_;
    std::uint64_t bytes_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t text_ = 0;
};

}  // namespace ocu::storage
