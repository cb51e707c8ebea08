// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_text.h"

#include <algorithm>

namespace ocu::sandbox {

namespace {

constexpr std::size_t kCharacterBytesMax = 4;

}  // namespace

std::size_t count_characters(std::string_view bytes)
{
    return static_cast<std::size_t>(std::ranges::count_if(bytes, [](char byte) { return !continues_character(byte); }));
}

std::string_view first_characters(std::string_view bytes, std::size_t count)
{
    std::size_t const bytes_max = std::min(bytes.size(), count * kCharacterBytesMax);
    std::size_t at = 0;
    for (; at < bytes_max; ++at) {
        if (continues_character(bytes[at])) continue;
        if (count == 0) break;
        --count;
    }
    return bytes.substr(0, at);
}

std::string_view last_characters(std::string_view bytes, std::size_t count)
{
    std::size_t const bytes_max = std::min(bytes.size(), count * kCharacterBytesMax);
    std::size_t start = bytes.size();
    for (std::size_t at = bytes.size(); at > bytes.size() - bytes_max && count > 0; --at) {
        if (continues_character(bytes[at - 1])) continue;
        start = at - 1;
        --count;
    }
    // Bytes that begin no character at all are kept only where nothing else is there to keep.
    if (start == bytes.size()) start = bytes.size() - bytes_max;
    return bytes.substr(start);
}

std::string_view first_bytes(std::string_view bytes, std::size_t count)
{
    if (bytes.size() <= count) return bytes;
    std::size_t at = count;
    for (std::size_t back = 0; back < kCharacterBytesMax && at > 0 && continues_character(bytes[at]); ++back) --at;
    if (continues_character(bytes[at])) at = count;
    return bytes.substr(0, at);
}

}  // namespace ocu::sandbox
