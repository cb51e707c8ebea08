// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The correlation id of one request: what its asker is shown and what is on record. 16 hex digits, random; it says nothing by itself.

#include <array>
#include <string>

#include "base/crypto/crypto.h"

namespace ocu::helper {

inline std::string new_trace()
{
    std::array<std::uint8_t, 8> bytes{};
    crypto::random_bytes(std::as_writable_bytes(std::span(bytes)));
    return crypto::to_hex(bytes);
}

}  // namespace ocu::helper
