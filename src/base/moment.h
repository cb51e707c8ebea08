// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A moment as people and documents write it (RFC 3339). Pure.

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ocu {

// "2026-01-31T12:00:00Z", an offset instead of Z, fractions of a second cut: Unix seconds. Errors: malformed.
Result<std::int64_t> parse_moment(std::string_view text);

}  // namespace ocu
