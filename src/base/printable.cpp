// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/printable.h"

#include <cstdint>
#include <format>
#include <optional>

#include "base/assert.h"

namespace ocu {

namespace {

struct Character {
    std::uint32_t code;
    std::size_t bytes;
};

// The character that `text` begins with, if that is well-formed UTF-8 of more than one byte.
std::optional<Character> beyond_ascii(std::string_view text)
{
    auto const first = static_cast<unsigned char>(text[0]);
    std::size_t const bytes = first >= 0xf0 && first <= 0xf4  ? 4
                              : first >= 0xe0 && first < 0xf0 ? 3
                              : first >= 0xc2 && first < 0xe0 ? 2
                                                              : 0;
    if (bytes == 0 || text.size() < bytes) return std::nullopt;
    std::uint32_t code = first & (0xffu >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) {
        auto const next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return std::nullopt;
        code = code << 6 | (next & 0x3fu);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
    return Character{code, bytes};
}

constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }

std::string made_printable(std::string_view text, std::string_view kept)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        std::size_t taken = 1;
        if (is_printable(text[0]) || kept.contains(text[0])) {
            out += text[0];
        } else if (auto const character = beyond_ascii(text)) {
            out += std::format("\\u{{{:x}}}", character->code);
            taken = character->bytes;
        } else {
            out += std::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        }
        text.remove_prefix(taken);
    }
    return out;
}

void wrap_line(std::string_view line, std::size_t columns, std::vector<std::string>& rows)
{
    while (line.size() > columns) {
        auto const begin = line.find_first_not_of(' ');
        auto const space = line.substr(0, columns + 1).rfind(' ');
        bool const between_words = space != std::string_view::npos && begin != std::string_view::npos && space > begin;
        auto const end = between_words ? space : columns;
        rows.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
        if (between_words) line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    }
    rows.emplace_back(line);
}

}  // namespace

std::string printable(std::string_view text) { return made_printable(text, ""); }

std::string printable_lines(std::string_view text)
{
    std::string ends;
    ends.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i).starts_with("\r\n")) continue;
        if (text[i] == '\t')
            ends += "    ";
        else
            ends += text[i];
    }
    return made_printable(ends, "\n");
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns)
{
    OCU_ASSERT(columns > 0);
    std::vector<std::string> rows;
    for (;;) {
        auto const end = text.find('\n');
        wrap_line(text.substr(0, end), columns, rows);
        if (end == std::string_view::npos || end + 1 == text.size()) return rows;
        text.remove_prefix(end + 1);
    }
}

}  // namespace ocu
