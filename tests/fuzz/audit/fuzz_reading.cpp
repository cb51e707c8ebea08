// SPDX-License-Identifier: GPL-3.0-or-later
// A record as an auditor's screen gets it: whatever it says, a line is printable ASCII.

#include <algorithm>

#include "audit/reading.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::audit;
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    (void)read_time(bytes, {});
    (void)read_session(bytes);
    auto const record = read_record(bytes);
    if (!record) return 0;
    auto const is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    OCU_ASSERT(std::ranges::all_of(line_of(*record), is_printable));
    Replay sum;
    sum.add(*record);
    OCU_ASSERT(std::ranges::all_of(sum.summary(), [&](char c) { return c == '\n' || is_printable(c); }));
    return 0;
}
