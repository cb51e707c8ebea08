// SPDX-License-Identifier: GPL-3.0-or-later
// A journal segment and its records, as verify and recovery read them.

#include "audit/verify_segment.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::audit;
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    if (auto const header = parse_header(bytes)) OCU_ASSERT(bytes.starts_with(format_header(*header)));
    FrameReader strict(bytes);
    for (auto frame = strict.next(); frame && *frame; frame = strict.next()) (void)read_mark((*frame)->record);
    OCU_ASSERT(strict.tail().size() <= bytes.size());
    FrameReader loose(bytes);
    for (auto frame = loose.next_unchecked(); frame && *frame; frame = loose.next_unchecked()) (void)read_mark((*frame)->record);
    (void)read_mark(bytes);

    SourceHeads heads;
    heads[0] = SourceHead{1, {}};
    SegmentPlan const plan{"journal/00000000.seg", 2, true, &heads};
    auto const verdict = judge_segment(bytes, parse_header(bytes).value_or(SegmentHeader{}), plan);
    OCU_ASSERT(verdict.findings.size() <= kFindingsMax && verdict.findings.size() <= verdict.findings_count);
    OCU_ASSERT(verdict.torn_tail_bytes <= bytes.size());
    return 0;
}
