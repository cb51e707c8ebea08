// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Cutting a guest's bytes between characters, without believing that they are UTF-8. No system calls.

#include <cstddef>
#include <string_view>

namespace ocu::sandbox {

constexpr bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::size_t count_characters(std::string_view bytes);
// The longest beginning or end with at most this many characters. Of a run of stray continuation bytes no more than 3 belong to one
// character: the result has at most 4 bytes for each.
std::string_view first_characters(std::string_view bytes, std::size_t count);
std::string_view last_characters(std::string_view bytes, std::size_t count);
// At most this many bytes, without half a character at the end.
std::string_view first_bytes(std::string_view bytes, std::size_t count);

}  // namespace ocu::sandbox
