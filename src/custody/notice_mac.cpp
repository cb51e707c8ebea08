// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/notice_mac.h"

#include <string>

namespace ocu::custody {

crypto::Digest notice_mac(Secret const& key, std::int64_t time_s, std::string_view body)
{
    std::string message = std::to_string(time_s);
    message += '.';
    message += body;
    return crypto::hmac_sha256(key, crypto::as_bytes(message));
}

}  // namespace ocu::custody
