// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One secret on its way from custody to a process that must use it itself, over a socket pair of their own that the core made and cannot read.
// Custody writes once and closes.
//
//      0      4
//      +------+---- ... ----+
//      | size | secret      |      little-endian
//      +------+---- ... ----+

#include <chrono>
#include <span>

#include "base/secret.h"
#include "base/unique_fd.h"

namespace ocu::helper {

inline constexpr std::size_t kHandedSecretBytesMax = 1024;
inline constexpr std::chrono::seconds kHandedSecretWait{3};

// Never waits: it fits into an empty socket's buffer. Errors: over_limit, unavailable (the receiver is gone), os.
Result<void> send_secret(int fd, Secret const& secret);

// Takes its memory when it is made, so that a process makes it before it is confined and receives after.
class SecretReceiver {
public:
    static Result<SecretReceiver> make(UniqueFd from);
    // Once. Errors: unavailable (nothing came within `wait`, or custody has none to give), malformed, os.
    Result<Secret> receive(std::chrono::milliseconds wait);

private:
    SecretReceiver(UniqueFd from, Secret memory) : from_(std::move(from)), memory_(std::move(memory)) {}
    UniqueFd from_;
    Secret memory_;
};

// Exactly these bytes, or: unavailable (the sender is gone, or silent for `wait`), os.
Result<void> receive_exactly(int fd, std::span<std::byte> into, std::chrono::milliseconds wait);

}  // namespace ocu::helper
