// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The rule of str_replace, on values: exactly one occurrence, the file's own encoding and line endings. No system calls.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ocu::guest {

enum class Encoding { utf8, latin1, utf16_little, utf16_big };

Encoding encoding_of(std::string_view content);
bool is_utf8(std::string_view text);
// `text` is UTF-8. False when the encoding has no such character.
bool to_encoding(Encoding encoding, std::string_view text, std::string& out);

struct Replaced {
    std::size_t count = 0;             // occurrences, overlapping ones too; 1 means done. Counting stops at kCountMax
    std::vector<std::uint64_t> lines;  // where the first of them are
    std::string content;
    bool representable = true;         // false: the new text holds a character that the file's encoding lacks
};

inline constexpr std::size_t kCountMax = 1000;
inline constexpr std::size_t kLinesNamedMax = 20;

Replaced replace_once(std::string_view content, std::string_view old_text, std::string_view new_text);

}  // namespace ocu::guest
