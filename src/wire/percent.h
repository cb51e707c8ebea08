// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Percent-encoding (RFC 3986, section 2.1). Pure; no allocation beyond the result's.

#include <optional>
#include <string>
#include <string_view>

namespace ocu::wire {

// 0 to 15, or -1 for what is no hex digit.
constexpr int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Nothing for an escape that is cut off or no hex.
std::optional<std::string> percent_decoded(std::string_view text);
// Every byte that is neither unreserved nor in `kept`, as %XX in capitals.
std::string percent_encoded(std::string_view bytes, std::string_view kept = {});

}  // namespace ocu::wire
