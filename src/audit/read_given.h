// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a helper of audit's reads of a file that it was handed. Whatever is in it may be gone from memory only with the process.

#include <cstddef>
#include <string>

#include "base/result.h"

namespace ocu::audit {

inline constexpr std::size_t kRootsBytesMax = 4u << 20;

// All of it. Errors: malformed (larger than that), os.
Result<std::string> read_given(int file, std::size_t bytes_max);
// The first `bytes` of it. Errors: malformed (it has fewer), os.
Result<std::string> read_front(int file, std::size_t bytes);

}  // namespace ocu::audit
