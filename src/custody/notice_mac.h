// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the webhook's key signs: the time in decimal, a dot, the body; HMAC-SHA-256 (docs/formats/webhook.md). Pure; in the helper.

#include <cstdint>
#include <string_view>

#include "base/crypto/crypto.h"

namespace ocu::custody {

inline constexpr std::size_t kNoticeKeyBytesMin = 16;

crypto::Digest notice_mac(Secret const& key, std::int64_t time_s, std::string_view body);

}  // namespace ocu::custody
