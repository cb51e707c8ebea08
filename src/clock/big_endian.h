// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Network byte order, for the two formats of this folder. Pure.

#include <concepts>
#include <span>

#include "base/assert.h"
#include "wire/codec.h"

namespace ocu::clock {

template <std::unsigned_integral T>
void put_big(wire::Bytes& out, T value)
{
    for (std::size_t i = sizeof(T); i-- > 0;) out.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xff));
}

// The caller has checked that it is there.
template <std::unsigned_integral T>
T get_big(std::span<std::byte const> in, std::size_t at)
{
    OCU_ASSERT(at <= in.size() && in.size() - at >= sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | std::to_integer<T>(in[at + i]));
    return value;
}

}  // namespace ocu::clock
