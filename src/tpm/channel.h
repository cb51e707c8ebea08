// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The bytes between us and a TPM, over a descriptor that was handed over: a character device that gives an answer whole (/dev/tpmrm0), or a
// socket that gives it in pieces (an emulated one). This is the face: nothing is handed on that is not as long as it says it is and no
// longer than kAnswerBytesMax. The rest of the grammar is the library's, behind it.
//
// Threading: one thread. The descriptor is lent.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "tpm/limits.h"

namespace ocu::tpm {

class Channel {
public:
    explicit Channel(int fd, std::chrono::milliseconds whole = kWorkWait);

    // Errors: os, unavailable (gone, or no room in time).
    Result<void> send(std::span<std::uint8_t const> command);
    // One whole answer. Errors: os, malformed, unavailable (gone, or not whole in time).
    Result<std::vector<std::uint8_t>> receive();

private:
    Result<void> wait(short events, std::chrono::steady_clock::time_point until) const;

    int fd_;
    std::chrono::steady_clock::time_point end_;
};

}  // namespace ocu::tpm
