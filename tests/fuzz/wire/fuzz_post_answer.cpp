// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a webhook's receiver answers. A status is a final one; more bytes never change an answer that was there (EG-10).

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wire/http_post.h"

namespace {

using namespace ocu::wire;

void check(bool good)
{
    if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    auto const whole = read_post_answer(bytes);
    if (whole && *whole) check(**whole >= 200 && **whole <= 999);
    auto const half = read_post_answer(bytes.substr(0, size / 2));
    if (half && *half) check(whole && *whole == *half);
    if (!half && half.error() == PostFailure::grammar) check(!whole && whole.error() == PostFailure::grammar);
    return 0;
}
