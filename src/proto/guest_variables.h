// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Variables that a session's commands find in their environment besides the fixed ones: scoped egress tokens, and where the trusted
// certificates are. From custody through control, the sandbox role and `exec` to the agent, which sets them (EG-8). No variable may change
// how a shell or the loader behaves: names are judged where they are set, whoever sent them.

#include <algorithm>
#include <array>
#include <string_view>

#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kScopedRulesMax = 64;      // rules with a credential, each with a variable of its own
inline constexpr std::size_t kTrustVariablesMax = 16;
inline constexpr std::size_t kGuestVariablesMax = kScopedRulesMax + kTrustVariablesMax;

struct GuestVariable {
    wire::Text<64> name;
    wire::Text<128> value;

    static void fields(auto& wire, auto& m) { wire(m.name, m.value); }
};
using GuestVariables = wire::List<GuestVariable, kGuestVariablesMax>;
inline constexpr std::uint32_t kGuestVariablesBytesMax = 4 + kGuestVariablesMax * (4 + 64 + 4 + 128);

// Upper case, digits and underscores, a letter first; none of those that say what is run, where from and how.
constexpr bool may_be_set(std::string_view name)
{
    constexpr std::array<std::string_view, 15> kKept{"PATH", "HOME", "SHELL", "USER", "LOGNAME", "PWD", "IFS", "ENV", "BASH_ENV", "CDPATH",
        "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "TERM", "LANG"};
    if (name.empty() || name.size() > 64 || name.front() < 'A' || name.front() > 'Z') return false;
    if (name.starts_with("LD_") || name.starts_with("GCONV_") || std::ranges::find(kKept, name) != kKept.end()) return false;
    return std::ranges::all_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

constexpr bool is_plain_value(std::string_view value)
{
    return std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace ocu::proto
