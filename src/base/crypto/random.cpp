// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/random.h>

#include <cerrno>

#include "base/assert.h"
#include "base/crypto/crypto.h"

namespace ocu::crypto {

void random_bytes(std::span<std::byte> out)
{
    while (!out.empty()) {
        ssize_t const got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        OCU_ASSERT(got > 0);  // a kernel without randomness cannot run this machine
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::uint64_t random_u64()
{
    std::uint64_t value = 0;
    while (value == 0) random_bytes(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

}  // namespace ocu::crypto
