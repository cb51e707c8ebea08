// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The last kRingBytes of what a program wrote, in a file without a name: it is the guest's memory and the guest's limit, but not resident in
// the agent (SX-3: 1 MiB). Positions count from the program's first byte.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::guest {

inline constexpr std::uint64_t kRingBytes = 256u << 10;

class Ring {
public:
    // Errors: os (no file to be had).
    static Result<Ring> make();

    // What cannot be kept (the guest is out of memory) is lost, and counted: reading never stops.
    void append(std::string_view bytes);
    std::uint64_t end() const { return end_; }
    std::uint64_t first() const { return end_ - std::min(end_, kRingBytes); }
    // Bytes [from, from + count), which are within [first(), end()]. What could not be kept reads as NUL.
    std::string read(std::uint64_t from, std::size_t count) const;

private:
    explicit Ring(UniqueFd file) : file_(std::move(file)) {}

    UniqueFd file_;
    std::uint64_t end_ = 0;
};

}  // namespace ocu::guest
