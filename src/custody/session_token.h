// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Session tokens: docs/formats/session-token.md. Minted in the helper `custody` alone; verified by whoever holds the public key.

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/crypto/crypto.h"
#include "base/id.h"
#include "base/result.h"

namespace ocu::custody {

inline constexpr std::chrono::seconds kTokenLifeMax{3600};

struct SessionToken {
    SessionId session;
    std::string container;
    std::int64_t issued = 0;   // seconds since 1970
    std::int64_t expires = 0;
};

// The key's name in a token: the first 8 bytes of the SHA-256 of the public key, in hex.
std::string key_id(crypto::PublicKey const& key);

// Errors: malformed (no session, a container name outside [A-Za-z0-9._-]{1,64}), over_limit (life not in 1 s..60 min).
Result<std::string> mint_session_token(Secret const& seed, crypto::PublicKey const& key, SessionId session, std::string_view container,
    std::chrono::seconds life, WallTime now);
// Errors: malformed (not a token), denied (signature, key, container or time).
Result<SessionToken> verify_session_token(crypto::PublicKey const& key, std::string_view token, std::string_view container, WallTime now);

}  // namespace ocu::custody
