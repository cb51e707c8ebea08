// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a session is called in the operator's world: "s-" and sixteen hex digits.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"

namespace ocu::control {

inline std::string session_name(SessionId session)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string name = "s-";
    for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[(session.value >> shift) & 0xf];
    return name;
}

// Exactly what session_name() writes; nothing else names a session.
inline std::optional<SessionId> parse_session_name(std::string_view name)
{
    constexpr std::size_t kNameSize = 18;
    if (name.size() != kNameSize || !name.starts_with("s-")) return std::nullopt;
    SessionId session;
    auto const [end, error] = std::from_chars(name.data() + 2, name.data() + name.size(), session.value, 16);
    if (error != std::errc{} || end != name.data() + name.size() || !session || session_name(session) != name) return std::nullopt;
    return session;
}

}  // namespace ocu::control
