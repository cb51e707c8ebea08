// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/host_name.h"

#include <algorithm>

namespace ocu::edge {

namespace {

constexpr std::size_t kLabelBytesMax = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_label_byte(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

bool reads_as_number(std::string_view label)
{
    if (std::ranges::all_of(label, is_digit)) return true;
    return label.starts_with("0x") && std::ranges::all_of(label.substr(2), is_hex_digit);
}

}  // namespace

bool is_host_name(std::string_view name)
{
    if (name.empty() || name.size() > kHostNameBytesMax) return false;
    for (;;) {
        auto const dot = name.find('.');
        auto const label = name.substr(0, dot);
        if (label.empty() || label.size() > kLabelBytesMax || !std::ranges::all_of(label, is_label_byte)) return false;
        if (dot == std::string_view::npos) return !reads_as_number(label);
        name.remove_prefix(dot + 1);
    }
}

bool host_matches(std::string_view pattern, std::string_view name)
{
    if (!pattern.starts_with("*.")) return pattern == name;
    auto const suffix = pattern.substr(1);
    return name.size() > suffix.size() && name.ends_with(suffix);
}

}  // namespace ocu::edge
