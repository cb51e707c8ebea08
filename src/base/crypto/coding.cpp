// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "base/assert.h"
#include "base/crypto/crypto.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kCodingBytesMax = 64u << 20;

bool is_alphabet(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'; }

}  // namespace

std::string to_hex(std::span<std::uint8_t const> bytes)
{
    std::string text;
    text.reserve(bytes.size() * 2);
    for (auto const value : bytes) {
        text.push_back(kHexDigits[value >> 4]);
        text.push_back(kHexDigits[value & 0xf]);
    }
    return text;
}

Result<std::vector<std::uint8_t>> from_hex(std::string_view text)
{
    if (text.size() % 2 != 0) return fail(Fault::malformed, "hex of odd length");
    std::vector<std::uint8_t> bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        auto const high = kHexDigits.find(text[i]);
        auto const low = kHexDigits.find(text[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return fail(Fault::malformed, "not lower-case hex");
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return bytes;
}

std::string to_base64(std::span<std::uint8_t const> bytes)
{
    OCU_ASSERT(bytes.size() <= kCodingBytesMax);
    if (bytes.empty()) return {};
    word32 size = static_cast<word32>((bytes.size() + 2) / 3 * 4 + 1);
    std::string text(size, '\0');
    OCU_ASSERT(Base64_Encode_NoNl(bytes.data(), static_cast<word32>(bytes.size()), reinterpret_cast<byte*>(text.data()), &size) == 0);
    text.resize(size);
    return text;
}

Result<std::vector<std::uint8_t>> from_base64(std::string_view text)
{
    // The library skips line ends and is lenient about tails; one byte string has one encoding here.
    if (text.size() > kCodingBytesMax) return fail(Fault::over_limit, "base64 text too long");
    if (text.size() % 4 != 0) return fail(Fault::malformed, "base64 length is not a multiple of four");
    std::vector<std::uint8_t> bytes(text.size() / 4 * 3);
    if (text.empty()) return bytes;
    std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    if (!std::ranges::all_of(text.substr(0, text.size() - padding), is_alphabet)) return fail(Fault::malformed, "not base64");
    word32 size = static_cast<word32>(bytes.size());
    if (Base64_Decode(reinterpret_cast<byte const*>(text.data()), static_cast<word32>(text.size()), bytes.data(), &size) != 0)
        return fail(Fault::malformed, "not base64");
    bytes.resize(size);
    if (to_base64(bytes) != text) return fail(Fault::malformed, "base64 with stray bits");
    return bytes;
}

std::string to_base64url(std::span<std::uint8_t const> bytes)
{
    std::string text = to_base64(bytes);
    while (text.ends_with('=')) text.pop_back();
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    return text;
}

Result<std::vector<std::uint8_t>> from_base64url(std::string_view text)
{
    if (text.find_first_of("+/=") != std::string_view::npos) return fail(Fault::malformed, "not base64url");
    std::string padded(text);
    std::ranges::replace(padded, '-', '+');
    std::ranges::replace(padded, '_', '/');
    padded.append((4 - padded.size() % 4) % 4, '=');
    return from_base64(padded);
}

}  // namespace ocu::crypto
