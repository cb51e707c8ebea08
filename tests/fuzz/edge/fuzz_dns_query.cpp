// SPDX-License-Identifier: GPL-3.0-or-later
// Face: datagrams that a guest sends to port 53. Whatever arrives, each answer is an answer and not much larger than the question, and the
// name that is asked about is printable.

#include <cstdlib>

#include "edge/resolver.h"

namespace {

void check(ocu::Result<std::vector<std::uint8_t>> const& reply, std::size_t size)
{
    constexpr std::size_t kAddressRecordBytes = 32;
    if (reply && (reply->size() < 12 || ((*reply)[2] & 0x80) == 0 || reply->size() > 2 * size + 12 + kAddressRecordBytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const question = ocu::edge::read_question({data, size});
    if (!question) return 0;
    if (question->name.size() > 253) std::abort();
    for (unsigned char const c : question->name)
        if (c <= ' ' || c >= 0x7f) std::abort();
    check(ocu::edge::refuse_name(*question), size);
    if (question->understood) check(ocu::edge::answer_name(*question, {}), size);
    return 0;
}
