// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the first bytes of a guest's connection, which include an HTTP request head. Once the answer is final, more bytes do not change it.

#include <cstdlib>

#include "edge/first_look.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    auto const whole = ocu::edge::look_at(bytes);
    if (ocu::edge::look_at(bytes.substr(0, size / 2)).complete && !whole.complete) std::abort();
    for (unsigned char const c : whole.name)
        if (c <= ' ' || c >= 0x7f) std::abort();
    (void)ocu::edge::read_host_port(bytes, 80);
    (void)ocu::edge::read_absolute_form(bytes);
    return 0;
}
