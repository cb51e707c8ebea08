// SPDX-License-Identifier: GPL-3.0-or-later
// Face: base64, base64url and hex text. Each byte string has one spelling.

#include <algorithm>
#include <cstdlib>

#include "base/crypto/crypto.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const bytes = crypto::from_base64(text); bytes && crypto::to_base64(*bytes) != text) std::abort();
    if (auto const bytes = crypto::from_base64url(text); bytes && crypto::to_base64url(*bytes) != text) std::abort();
    if (auto const bytes = crypto::from_hex(text); bytes && crypto::to_hex(*bytes) != text) std::abort();
    std::span<std::uint8_t const> const raw(data, size);
    if (auto const back = crypto::from_base64url(crypto::to_base64url(raw)); !back || !std::ranges::equal(*back, raw)) std::abort();
    return 0;
}
