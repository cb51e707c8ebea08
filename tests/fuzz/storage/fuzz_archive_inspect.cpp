// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the parser's archives. No input may crash it, make it use memory without bound, or print an unprintable byte.
#include <algorithm>

#include "base/assert.h"
#include "storage/archive_inspect.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const bytes = std::as_bytes(std::span(data, size));
    auto const report = ocu::storage::inspect_archive(bytes);
    if (!report) return 0;
    auto const text = ocu::storage::describe(*report, size, 30'000);
    OCU_ASSERT(text.size() <= 30'000);
    OCU_ASSERT(std::ranges::all_of(text, [](char each) { return each == '\n' || (each >= 0x20 && each < 0x7f); }));
    return 0;
}
