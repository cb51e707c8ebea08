// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cold_position.h"

#include <algorithm>

#include "audit/layout.h"

namespace ocu::audit {

namespace {

constexpr std::string_view kFirstLine = "ocu-audit-cold/1\n";

}  // namespace

std::string format_cold(proto::ColdPosition const& position)
{
    return std::string(kFirstLine) + std::to_string(position.segment) + "\n" + std::to_string(position.records) + "\n" + crypto::to_hex(position.place) +
           "\n";
}

Result<proto::ColdPosition> parse_cold(std::string_view text)
{
    auto rest = text;
    auto const take_line = [&rest] {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        return line;
    };
    (void)take_line();
    proto::ColdPosition out;
    out.segment = OCU_TRY(parse_number(take_line()));
    out.records = OCU_TRY(parse_number(take_line()));
    auto const place = OCU_TRY(crypto::from_hex(take_line()));
    if (place.size() != out.place.size()) return fail(Fault::malformed, "position of the cold tier has a hash of the wrong size");
    std::ranges::copy(place, out.place.begin());
    if (format_cold(out) != text) return fail(Fault::malformed, "position of the cold tier is not canonical");
    return out;
}

}  // namespace ocu::audit
