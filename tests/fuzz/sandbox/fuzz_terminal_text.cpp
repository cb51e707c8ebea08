// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz: what a program writes to its terminal, in pieces of the first byte's size. What is left has no control character but tab and line feed,
// and is not longer than what came.

#include <algorithm>
#include <cstdlib>

#include "sandbox/terminal_text.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::size_t const step = std::max<std::size_t>(1, data[0]);
    ocu::sandbox::TerminalText text;
    for (std::size_t at = 1; at < size; at += step) {
        auto const count = std::min(step, size - at);
        auto const left = text.take({reinterpret_cast<char const*>(data + at), count});
        bool const clean = std::ranges::none_of(left, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
        if (left.size() > count || !clean) std::abort();
    }
    return 0;
}
