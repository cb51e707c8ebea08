// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An image that a stranger made, decoded under limits and encoded anew, so that what is shown holds pixels and nothing else: no metadata,
// no trailing bytes, no second meaning. Runs in the `parser` helper.
//
//   threats   T-16 hostile image   T-06 memory: dimensions are known from the header before anything is decoded

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ocu::storage {

struct ScaledImage {
    std::string bytes;
    std::string_view mime;      // image/png, or image/jpeg for what was a JPEG
    int width = 0;
    int height = 0;
    int original_width = 0;
    int original_height = 0;
};

// No side of the result is longer than `side_px_max`. Errors: malformed (no image of a known kind, or it breaks off), over_limit
// (dimensions, or the result does not fit `bytes_max`).
Result<ScaledImage> scale_image(std::span<std::byte const> bytes, int side_px_max, std::size_t bytes_max);

// By its first bytes, for kinds that are recognised but not opened; empty if unknown.
std::string_view unopened_kind(std::span<std::byte const> bytes);

}  // namespace ocu::storage
