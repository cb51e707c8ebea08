// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Why a manifest is not taken: where (a path of its own keys, "sandbox.limits.pids") and why, for the one who wrote it. The manifest is
// read by its author, so unlike Error this may hold text that was made at run time; printable() is what keeps it harmless.

#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ocu::manifest {

struct Refusal {
    std::string key;     // empty: the file as a whole
    std::string reason;
};

template <class T>
using Admission = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(std::string key, std::string reason)
{
    return std::unexpected(Refusal{std::move(key), std::move(reason)});
}

inline std::unexpected<Refusal> refuse(std::string key, Error const& error)
{
    return refuse(std::move(key), std::string(error.what.view()));
}

// Foreign text for a terminal or a log line: bounded, printable ASCII.
inline std::string printable(std::string_view text)
{
    constexpr std::size_t kShown = 80;
    std::string out;
    for (char const letter : text.substr(0, kShown)) out += letter >= 0x20 && letter < 0x7f ? letter : '?';
    return text.size() > kShown ? out + "..." : out;
}

}  // namespace ocu::manifest
