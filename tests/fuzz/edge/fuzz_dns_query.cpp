// SPDX-License-Identifier: GPL-3.0-or-later
// Face: datagrams that a guest sends to port 53. Whatever arrives, the answer is an answer and never larger than twice the question.

#include <cstdlib>

#include "edge/resolver.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const refusal = ocu::edge::refuse_query({data, size});
    if (!refusal) return 0;
    if (refusal->reply.size() < 12 || (refusal->reply[2] & 0x80) == 0 || refusal->reply.size() > 2 * size + 12) std::abort();
    for (unsigned char const c : refusal->name)
        if (c <= ' ' || c >= 0x7f) std::abort();
    return 0;
}
