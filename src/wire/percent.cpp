// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/percent.h"

namespace ocu::wire {

namespace {

bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        int const high = hex_digit(text[i + 1]);
        int const low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string percent_encoded(std::string_view bytes, std::string_view kept)
{
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (char const c : bytes) {
        if (is_unreserved(c) || kept.contains(c)) {
            out += c;
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[byte >> 4u];
        out += kDigits[byte & 15u];
    }
    return out;
}

}  // namespace ocu::wire
