// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the parser's images. Whatever is accepted has no side longer than asked.
#include "base/assert.h"
#include "storage/image_scale.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const scaled = ocu::storage::scale_image(std::as_bytes(std::span(data, size)), 64, 1u << 20);
    if (!scaled) return 0;
    OCU_ASSERT(scaled->width > 0 && scaled->width <= 64 && scaled->height > 0 && scaled->height <= 64);
    OCU_ASSERT(scaled->bytes.size() <= (1u << 20));
    return 0;
}
