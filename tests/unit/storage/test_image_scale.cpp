// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/image_scale and parser_face. Images made here are shown small enough; hostile ones are refused before they are decoded.
#include <catch2/catch_test_macros.hpp>

#include <span>
#include <string>
#include <vector>

#include "storage/image_scale.h"
#include "storage/parser_face.h"
#include "storage/stb.h"

namespace test_image_scale {

using namespace ocu;
using namespace ocu::storage;

void append(void* out, void* bytes, int size)
{
    static_cast<std::string*>(out)->append(static_cast<char*>(bytes), static_cast<std::size_t>(size));
}

std::vector<stbi_uc> pixels_of(int width, int height, int channels)
{
    std::vector<stbi_uc> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<stbi_uc>(i * 7);
    return pixels;
}

std::string png(int width, int height, int channels)
{
    std::string out;
    REQUIRE(
        ::stbi_write_png_to_func(append, &out, width, height, channels, pixels_of(width, height, channels).data(), width * channels) != 0);
    return out;
}

std::string jpeg(int width, int height)
{
    std::string out;
    REQUIRE(::stbi_write_jpg_to_func(append, &out, width, height, 3, pixels_of(width, height, 3).data(), 80) != 0);
    return out;
}

Result<ScaledImage> scale(std::string const& bytes, std::size_t bytes_max = 4u << 20)
{
    return scale_image(std::as_bytes(std::span(bytes)), 1280, bytes_max);
}

// A PNG that is only a header: its size is what it claims.
std::string png_header(std::uint32_t width, std::uint32_t height)
{
    auto bytes = png(1, 1, 3);
    for (int i = 0; i < 4; ++i) {
        bytes[static_cast<std::size_t>(16 + i)] = static_cast<char>(width >> (24 - 8 * i));
        bytes[static_cast<std::size_t>(20 + i)] = static_cast<char>(height >> (24 - 8 * i));
    }
    return bytes;
}

TEST_CASE("image: given small images, when they are scaled, then their size stays and their kind is kept", "[storage][SX-8]")
{
    for (int channels = 1; channels <= 4; ++channels) {
        auto const out = scale(png(64, 48, channels));
        REQUIRE(out.has_value());
        CHECK(out->mime == "image/png");
        CHECK(out->width == 64);
        CHECK(out->height == 48);
    }
    auto const photo = scale(jpeg(64, 48));
    REQUIRE(photo.has_value());
    CHECK(photo->mime == "image/jpeg");
    CHECK(photo->bytes.starts_with("\xff\xd8"));
}

TEST_CASE("image: given large images, when they are scaled, then no side is longer than asked and the shape is kept", "[storage][SX-8]")
{
    auto const wide = scale(jpeg(2560, 640));
    REQUIRE(wide.has_value());
    CHECK(wide->width == 1280);
    CHECK(wide->height == 320);
    int width = 0;
    int height = 0;
    int channels = 0;
    REQUIRE(::stbi_info_from_memory(reinterpret_cast<stbi_uc const*>(wide->bytes.data()), static_cast<int>(wide->bytes.size()), &width,
                &height, &channels) != 0);
    CHECK(width == 1280);
    auto const thin = scale(png(1, 3000, 4));
    REQUIRE(thin.has_value());
    CHECK(thin->width == 1);
    CHECK(thin->height == 1280);
}

TEST_CASE(
    "image: given headers that claim too many pixels, when they are scaled, then they are refused before decoding", "[storage][T-16][T-06]")
{
    for (auto const& [width, height] : {std::pair{20'001u, 1u}, {1u, 20'001u}, {10'000u, 5'001u}, {0x7fffffffu, 0x7fffffffu}}) {
        auto const out = scale(png_header(width, height));
        REQUIRE_FALSE(out.has_value());
        CHECK((out.error().fault == Fault::over_limit || out.error().fault == Fault::malformed));
    }
    CHECK(scale(png_header(10'000, 5'001)).error().fault == Fault::over_limit);
}

TEST_CASE("image: given bytes that are no image or break off, when they are scaled, then they are refused", "[storage][T-16]")
{
    CHECK(scale("").error().fault == Fault::malformed);
    CHECK(scale("GIF89a").error().fault == Fault::malformed);
    CHECK(scale("<svg xmlns='x'/>").error().fault == Fault::malformed);
    CHECK(scale(png_header(64, 64)).error().fault == Fault::malformed);
    auto const whole = png(300, 300, 3);
    CHECK(scale(whole.substr(0, 60)).error().fault == Fault::malformed);
}

TEST_CASE("image: given an answer that is too small, when it is encoded, then it is refused and not cut", "[storage][T-06]")
{
    CHECK(scale(png(200, 200, 3), 100).error().fault == Fault::over_limit);
}

TEST_CASE("image: given bytes behind the image, when it is shown, then they are gone", "[storage][T-07][T-16]")
{
    auto const out = scale(png(8, 8, 3) + "<script>second meaning</script>");
    REQUIRE(out.has_value());
    CHECK(out->bytes.find("second meaning") == std::string::npos);
}

TEST_CASE(
    "parser: given requests, when they are answered, then each has its kind and nothing is left without an answer", "[storage][T-16][SX-8]")
{
    proto::ParserConfig const config;
    auto const ask = [&config](
                         proto::Content content, std::string body) { return inspect({RequestId{5}, content, std::move(body)}, config); };
    auto const image = ask(proto::Content::image, png(4, 4, 3));
    CHECK(image.good);
    CHECK(image.request == RequestId{5});
    CHECK(image.content == proto::Content::image);
    CHECK(image.mime.view() == "image/png");
    auto const webp = ask(proto::Content::image, std::string("RIFF\x10\0\0\0WEBPVP8 ", 16));
    CHECK(webp.good);
    CHECK(webp.content == proto::Content::text);
    CHECK(webp.body.view().find("WebP") != std::string_view::npos);
    auto const broken = ask(proto::Content::image, "no image");
    CHECK(broken.content == proto::Content::text);
    auto const archive = ask(proto::Content::archive, "no archive");
    CHECK(archive.content == proto::Content::text);
    CHECK_FALSE(ask(proto::Content::text, "x").good);
}

}  // namespace test_image_scale
