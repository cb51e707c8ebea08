// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a manifest's text. Whatever is admitted can be explained, and admits to the same again.

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const applied = ocu::manifest::admit(text);
    if (!applied) {
        for (char const letter : applied.error().key)
            if (letter < 0x20 || letter == 0x7f) __builtin_trap();
        return 0;
    }
    if (ocu::manifest::explain(*applied).empty()) __builtin_trap();
    if (ocu::manifest::admit(text)->digest != applied->digest) __builtin_trap();
    return 0;
}
