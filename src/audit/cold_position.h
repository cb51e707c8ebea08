// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How far the cold tier is, as a file beside the log (docs/formats/audit.md). A hint of where to go on: one that is lost makes what lies there be read back
// again. Pure.

#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/audit_to_cold.h"

namespace ocu::audit {

inline constexpr std::size_t kColdBytesMax = 256;

std::string format_cold(proto::ColdPosition const& position);
// Errors: malformed. What it accepts is canonical.
Result<proto::ColdPosition> parse_cold(std::string_view text);

}  // namespace ocu::audit
