// SPDX-License-Identifier: GPL-3.0-or-later
// A record as an auditor's screen gets it: whatever it says, a line is printable ASCII. And as sinks get it: one line, one message; and their positions.

#include <algorithm>

#include "audit/reading.h"
#include "audit/sink_lines.h"
#include "audit/sink_position.h"
#include "base/assert.h"

namespace {

// In every form that a sink can have, what comes of a record ends once, where it should.
void as_sinks_get_it(std::string_view bytes)
{
    using namespace ocu;
    for (std::uint8_t form = 0; form < 12; ++form) {
        proto::SinkConfig config;
        config.kind = static_cast<proto::SinkKind>(form % 3);
        config.format = static_cast<proto::SinkFormat>(form / 3 % 3);
        config.shape = form < 6 ? proto::SinkShape::plain : proto::SinkShape::splunk_hec;
        config.appliance = "box";
        auto const out = audit::sink_bytes(config, 7, bytes);
        bool const line = config.kind != proto::SinkKind::syslog;
        OCU_ASSERT(std::ranges::count(out, '\n') == (line ? 1 : 0) && out.ends_with('\n') == line);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::audit;
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    (void)read_time(bytes, {});
    (void)read_session(bytes);
    if (auto const position = parse_position(bytes, {}); position && *position) OCU_ASSERT(format_position(**position, {}) == bytes);
    as_sinks_get_it(bytes);
    auto const record = read_record(bytes);
    if (!record) return 0;
    auto const is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    OCU_ASSERT(std::ranges::all_of(line_of(*record), is_printable));
    Replay sum;
    sum.add(*record);
    OCU_ASSERT(std::ranges::all_of(sum.summary(), [&](char c) { return c == '\n' || is_printable(c); }));
    return 0;
}
