// SPDX-License-Identifier: GPL-3.0-or-later
// Face: XML of a foreign server. What is told is within the limits, and paths are balanced: the last one is the root's (SB-7).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/xml.h"

namespace {

void check(bool good)
{
    if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    constexpr ocu::wire::XmlLimits kLimits{.bytes_max = 64u << 10, .depth_max = 6, .elements_max = 500, .text_bytes_max = 256};
    std::size_t elements = 0;
    std::string last;
    auto const read =
        ocu::wire::read_xml({reinterpret_cast<char const*>(data), size}, kLimits, [&](std::string_view path, std::string_view text) {
            check(++elements <= kLimits.elements_max);
            check(text.size() <= kLimits.text_bytes_max);
            check(path.starts_with('/'));
            last = path;
        });
    if (read) check(std::ranges::count(last, '/') == 1);
    return 0;
}
