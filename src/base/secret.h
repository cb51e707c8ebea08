// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bytes that must not be copied, printed, swapped or left behind. Pages are locked and kept out of core files; the destructor wipes.

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"

namespace ocu {

// Overwrites memory in a way that the compiler may not remove.
void wipe(std::span<std::byte> memory);

class Secret {
public:
    Secret() = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(Secret const&) = delete;
    Secret& operator=(Secret const&) = delete;
    ~Secret();

    // size > 0. Errors: os (mapping or locking failed, for instance at RLIMIT_MEMLOCK).
    static Result<Secret> make(std::size_t size);
    static Result<Secret> copy_of(std::span<std::byte const> bytes);

    std::span<std::byte> bytes() { return {data_, size_}; }
    std::span<std::byte const> bytes() const { return {data_, size_}; }
    bool empty() const { return size_ == 0; }
    // Wipes what is beyond `size` <= its size; the memory stays its own.
    void shorten(std::size_t size);

private:
    void destroy();
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t mapped_ = 0;
};

// Constant time in the contents; the lengths are not secret.
bool equal_constant_time(std::span<std::byte const> left, std::span<std::byte const> right);

}  // namespace ocu
