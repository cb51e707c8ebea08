// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a guest holds in place of a credential: worth nothing outside its own session and rule, and derived from both, so that nobody
// keeps a list of them.
//
//      "ocu-scoped-" base64url(HMAC-SHA-256(scoped key, session (8 bytes, little-endian) || rule name))

#include <string>
#include <string_view>

#include "base/id.h"
#include "base/secret.h"

namespace ocu::custody {

std::string scoped_token(Secret const& key, SessionId session, std::string_view rule);
// In constant time (T-12).
bool is_scoped_token(std::string_view token, Secret const& key, SessionId session, std::string_view rule);

}  // namespace ocu::custody
