// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What counts as a host's name wherever the edge meets one: in a rule, in a hello, in a request. Pure.

#include <string_view>

namespace ocu::edge {

inline constexpr std::size_t kHostNameBytesMax = 253;

// Labels of 1 to 63 of a-z 0-9 - _, at most 253 bytes, no dot at either end, and not something that a library could read as an address:
// the last label is neither digits nor 0x and hex digits ("127.1", "0x7f.0.0.1", "2130706433").
bool is_host_name(std::string_view name);

// `pattern` is a name, or "*.suffix", which is every name below suffix (one label or more) and never suffix itself.
bool host_matches(std::string_view pattern, std::string_view name);

}  // namespace ocu::edge
