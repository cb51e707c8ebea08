// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The service's TLS identity on its way from custody to a front, over a socket pair of their own that the core made and cannot read
// (docs/decisions/0011-service-identity.md). Custody writes once and closes.
//
//      0             4          8
//      +-------------+----------+---- ... ----+---- ... ----+
//      | certificate | key size | certificate | key         |      little-endian sizes; both in PEM
//      +-------------+----------+---- ... ----+---- ... ----+

#include <chrono>
#include <string>

#include "base/secret.h"
#include "base/unique_fd.h"

namespace ocu::helper {

inline constexpr std::size_t kIdentityCertificateBytesMax = 16u << 10;
inline constexpr std::size_t kIdentityKeyBytesMax = 8u << 10;

struct Identity {
    std::string certificate_pem;
    Secret key_pem;
};

// Never waits: both parts fit into an empty socket's buffer. Errors: over_limit, unavailable (the front is gone), os.
Result<void> send_identity(int fd, std::string_view certificate_pem, Secret const& key_pem);

inline constexpr std::chrono::seconds kIdentityWait{3};  // the core waits for a front's ready report for longer than this

// Takes its memory when it is made, so that a front makes it before it is confined and receives after.
class IdentityReceiver {
public:
    static Result<IdentityReceiver> make(UniqueFd from);
    // Once. Errors: unavailable (nothing came within `wait`, or custody has none to give), malformed, os.
    Result<Identity> receive(std::chrono::milliseconds wait);

private:
    IdentityReceiver(UniqueFd from, Secret memory) : from_(std::move(from)), memory_(std::move(memory)) {}
    UniqueFd from_;
    Secret memory_;
};

}  // namespace ocu::helper
