// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The path that a tool is given, in one form, and patterns of such paths (manifest: mcp.policy). Pure.
//
//     *    any bytes of one name, none included          ?    one byte of a name
//     **   in the place of a name: any number of names, none included
//
// "/data/**" is /data and all that lies below it. Bytes are compared as they are: no case, no normalization of letters. What the letters lead to is
// not looked at: a link inside the sandbox is followed there, by the guest.
//
// A caller chooses the path, so a pattern goes through it once, at all its places at the same time: kWords words for each byte (T-06).

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace ocu::gateway {

inline constexpr std::size_t kPatternBytesMax = 127;
inline constexpr std::size_t kJudgedPathBytesMax = 1024;  // a longer one is not judged, and so denied where a pattern decides

enum class PathFault : std::uint8_t { none, missing, relative, above_root, not_text, too_long };

// For operators; "" for none.
std::string_view words_of(PathFault fault);

// Absolute, without empty names, `.` and `..`, which takes back the name before it by its letters alone; "/" for the root. What cannot be judged
// is the error: a relative path, `..` above the root, NUL, bytes that are not UTF-8.
std::expected<std::string, PathFault> normal_path(std::string_view path);

class PathPattern {
public:
    // `pattern` has no fault.
    explicit PathPattern(std::string_view pattern);

    // `path` as normal_path() gives it.
    bool matches(std::string_view path) const;
    std::string const& text() const { return text_; }

    // Empty, or what is wrong with it, for the one who wrote it.
    static std::string_view fault(std::string_view pattern);

private:
    static constexpr std::size_t kWords = 2;
    static_assert(kPatternBytesMax < kWords * 64, "a place before each byte, and the end");

    // Places of the pattern that have been reached. No pattern has more of them than bytes, besides the end.
    struct Places {
        std::array<std::uint64_t, kWords> words{};

        void add(std::size_t place) { words[place / 64] |= std::uint64_t{1} << (place % 64); }
        bool has(std::size_t place) const { return ((words[place / 64] >> (place % 64)) & 1u) != 0; }
        bool none() const { return (words[0] | words[1]) == 0; }
        Places operator&(Places const& other) const { return {{words[0] & other.words[0], words[1] & other.words[1]}}; }
        Places operator|(Places const& other) const { return {{words[0] | other.words[0], words[1] | other.words[1]}}; }
        Places moved(unsigned by) const { return {{words[0] << by, (words[1] << by) | (words[0] >> (64 - by))}}; }
    };

    void add_name(std::string_view name);
    void add_byte(unsigned char byte);
    Places closed(Places reached) const;

    std::string text_;
    std::array<std::uint8_t, 256> row_of_{};  // 0: a byte that the pattern does not name
    std::vector<Places> rows_;                // places that such a byte leads one on from
    Places in_name_;                          // `*`: any byte but '/' leaves one here
    Places anywhere_;                         // within `**`: any byte does
    Places skips_one_;                        // may be left without a byte
    Places skips_two_;                        // likewise, `**` that stands for no name
    std::size_t end_ = 0;
};

}  // namespace ocu::gateway
