// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A record as others name its fields: Elastic Common Schema 8.11 and ArcSight's CEF 0 (docs/formats/audit-sinks.md). What a guest or a caller wrote stands in values
// alone, escaped as each format wants it. Reads bytes that may be anybody's. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace ocu::audit {

// `number`: the record's, from 1. One line, without its end.
std::string to_ecs(std::uint64_t number, std::string_view appliance, std::string_view record);
std::string to_cef(std::uint64_t number, std::string_view appliance, std::string_view record);

// CEF's two rules: in the header a pipe is escaped, in the extension an equals sign; in both a backslash. What would end the line is \n and \r in a value of the
// extension and a space in the header; other control characters are spaces.
std::string cef_header(std::string_view text);
std::string cef_value(std::string_view text);

}  // namespace ocu::audit
