// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// AES-256-GCM under one key for many messages, into memory of the caller's: no allocation and no key schedule for each message, unlike
// seal() and open(). The nonce is the caller's, who must never use one twice for two messages: that gives the key of the tags away.
// Threading: one thread at a time. The key's schedule is wiped with the object.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace ocu::crypto {

class Aes256Gcm {
public:
    static constexpr std::size_t kKeyBytes = 32;
    static constexpr std::size_t kTagBytes = 16;
    using Nonce = std::array<std::byte, 12>;
    using Tag = std::span<std::byte, kTagBytes>;
    using ConstTag = std::span<std::byte const, kTagBytes>;

    // Errors: os (the library fails).
    static Result<Aes256Gcm> make(std::span<std::byte const, kKeyBytes> key);
    Aes256Gcm(Aes256Gcm&&) noexcept;
    Aes256Gcm& operator=(Aes256Gcm&&) noexcept;
    ~Aes256Gcm();

    // In place; at most 1 GiB. Errors: os; `text` is then not to be used.
    Result<void> seal(Nonce const& nonce, std::span<std::byte const> associated, std::span<std::byte> text, Tag tag) const;
    // In place. Errors: denied (altered, another key, nonce or associated data); `text` is then not to be used.
    Result<void> open(Nonce const& nonce, std::span<std::byte const> associated, std::span<std::byte> text, ConstTag tag) const;

private:
    struct State;
    explicit Aes256Gcm(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ocu::crypto
