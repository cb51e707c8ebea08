// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/image_scale.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "storage/limits.h"
#include "storage/stb.h"

namespace ocu::storage {

namespace {

static_assert(STBI_MAX_DIMENSIONS == kImageSidePxMax);

using Pixels = std::unique_ptr<stbi_uc, decltype([](stbi_uc* pixels) { ::stbi_image_free(pixels); })>;

bool begins_with(std::span<std::byte const> bytes, std::string_view head, std::size_t at = 0)
{
    return bytes.size() >= at + head.size() && std::memcmp(bytes.data() + at, head.data(), head.size()) == 0;
}

struct Sink {
    std::string bytes;
    std::size_t bytes_max;
    bool full = false;
};

void collect(void* context, void* data, int size)
{
    auto& sink = *static_cast<Sink*>(context);
    auto const count = static_cast<std::size_t>(size);
    if (sink.full || count > sink.bytes_max - sink.bytes.size()) {
        sink.full = true;
        return;
    }
    sink.bytes.append(static_cast<char const*>(data), count);
}

struct Size {
    int width;
    int height;
};

Size fitted(Size size, int side_px_max)
{
    auto const longest = std::max(size.width, size.height);
    if (longest <= side_px_max) return size;
    auto const scaled = [longest, side_px_max](
                            int side) { return std::max(1, static_cast<int>(static_cast<std::int64_t>(side) * side_px_max / longest)); };
    return {scaled(size.width), scaled(size.height)};
}

stbir_pixel_layout layout_of(int channels)
{
    switch (channels) {
    case 1: return STBIR_1CHANNEL;
    case 2: return STBIR_RA;
    case 3: return STBIR_RGB;
    default: return STBIR_RGBA;
    }
}

Result<std::string> encode(stbi_uc const* pixels, Size size, int channels, bool jpeg, std::size_t bytes_max)
{
    Sink sink{{}, bytes_max};
    int const good = jpeg ? ::stbi_write_jpg_to_func(collect, &sink, size.width, size.height, channels, pixels, kJpegQuality)
                          : ::stbi_write_png_to_func(collect, &sink, size.width, size.height, channels, pixels, size.width * channels);
    if (sink.full) return fail(Fault::over_limit, "image does not fit an answer");
    if (good == 0) return fail(Fault::os, "image cannot be encoded");
    return std::move(sink.bytes);
}

}  // namespace

Result<ScaledImage> scale_image(std::span<std::byte const> bytes, int side_px_max, std::size_t bytes_max)
{
    auto const* const data = reinterpret_cast<stbi_uc const*>(bytes.data());
    auto const size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT32_MAX));
    Size original{};
    int channels = 0;
    if (::stbi_info_from_memory(data, size, &original.width, &original.height, &channels) == 0)
        return fail(Fault::malformed, "not an image of a kind that is opened");
    if (original.width <= 0 || original.height <= 0) return fail(Fault::malformed, "image without pixels");
    if (original.width > kImageSidePxMax || original.height > kImageSidePxMax ||
        static_cast<std::uint64_t>(original.width) * static_cast<std::uint64_t>(original.height) > kImagePixelsMax)
        return fail(Fault::over_limit, "image has too many pixels");
    Size decoded{};
    Pixels pixels(::stbi_load_from_memory(data, size, &decoded.width, &decoded.height, &channels, 0));
    if (!pixels) return fail(Fault::malformed, "image does not decode");
    if (decoded.width != original.width || decoded.height != original.height || channels < 1 || channels > 4)
        return fail(Fault::malformed, "image contradicts its header");
    auto const shown = fitted(original, side_px_max);
    if (shown.width != original.width || shown.height != original.height) {
        Pixels smaller(::stbir_resize_uint8_srgb(
            pixels.get(), decoded.width, decoded.height, 0, nullptr, shown.width, shown.height, 0, layout_of(channels)));
        if (!smaller) return fail(Fault::os, "image cannot be resized");
        pixels = std::move(smaller);
    }
    bool const jpeg = begins_with(bytes, "\xff\xd8");
    ScaledImage out;
    out.bytes = OCU_TRY(encode(pixels.get(), shown, channels, jpeg, bytes_max));
    out.mime = jpeg ? "image/jpeg" : "image/png";
    out.width = shown.width;
    out.height = shown.height;
    out.original_width = original.width;
    out.original_height = original.height;
    return out;
}

std::string_view unopened_kind(std::span<std::byte const> bytes)
{
    if (begins_with(bytes, "RIFF") && begins_with(bytes, "WEBP", 8)) return "WebP";
    if (begins_with(bytes, "ftypavif", 4)) return "AVIF";
    if (begins_with(bytes, "ftypheic", 4)) return "HEIC";
    if (begins_with(bytes, "II*") || begins_with(bytes, std::string_view("MM\0*", 4))) return "TIFF";
    return {};
}

}  // namespace ocu::storage
