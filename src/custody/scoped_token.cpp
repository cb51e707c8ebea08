// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/scoped_token.h"

#include "base/crypto/crypto.h"

namespace ocu::custody {

std::string scoped_token(Secret const& key, SessionId session, std::string_view rule)
{
    std::string message;
    for (unsigned i = 0; i < sizeof session.value; ++i) message += static_cast<char>(session.value >> (8 * i) & 0xff);
    message += rule;
    return "ocu-scoped-" + crypto::to_base64url(crypto::hmac_sha256(key, crypto::as_bytes(message)));
}

bool is_scoped_token(std::string_view token, Secret const& key, SessionId session, std::string_view rule)
{
    return equal_constant_time(crypto::as_bytes(token), crypto::as_bytes(scoped_token(key, session, rule)));
}

}  // namespace ocu::custody
