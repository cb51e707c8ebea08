// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What heads of HTTP/1.1 and HTTP/2 have in common: a list of fields, an authority, a path, a length. Between http_relay_head.cpp and
// http2_head.cpp; nobody else includes it. Pure; threading: any.

#include <optional>

#include "wire/http_relay_head.h"

namespace ocu::wire {

struct Fields {
    std::vector<HttpHeader> all;

    std::size_t count(std::string_view name) const;
    std::string_view first(std::string_view name) const;
    // Whether a field that is a list of tokens has this one.
    bool lists(std::string_view name, std::string_view token) const;
    // Without what ends at this hop.
    std::vector<HttpHeader> end_to_end() const;
};

// Digits alone, and no more than the other side can count with a signed number.
std::optional<std::uint64_t> length_in(std::string_view text);

// Path and query of a target in origin form. Errors: path, target.
std::expected<void, RelayFault> read_path(std::string_view target, RelayRequest& out);

}  // namespace ocu::wire
