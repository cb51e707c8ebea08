// SPDX-License-Identifier: GPL-3.0-or-later
// By hand: `process_broker "[speed]"` says how long a gibibyte takes through the sealed log on the local engine, in the
// directory TMPDIR names, beside plain writes and reads of the same file system.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "storage/local_segments.h"
#include "storage/sealed_log.h"
#include "support/model_tree.h"

namespace test_sealed_log_speed {

using namespace ocu;
using namespace ocu::storage;

constexpr std::size_t kPart = 1u << 20;
constexpr std::size_t kParts = 1u << 10;

void say(char const* what, auto const& work)
{
    auto const begun = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - begun;
    std::printf("%-28s %6.3f s per GiB\n", what, taken.count());
}

TEST_CASE("sealed_log: how long a gibibyte takes", "[.][speed][P11]")
{
    auto const* const given = std::getenv("TMPDIR");
    auto name = std::string(given == nullptr ? "/tmp" : given) + "/ocu-speed-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    UniqueFd directory(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto part = ModelTree::content(1, kPart);
    UniqueFd const plain(::openat(directory.get(), "plain", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    say("plain write", [&] {
        for (std::size_t i = 0; i < kParts; ++i) REQUIRE(::pwrite(plain.get(), part.data(), kPart, static_cast<off_t>(i * kPart)) > 0);
    });
    std::vector<std::byte> into(kPart);
    say("plain read (cached)", [&] {
        for (std::size_t i = 0; i < kParts; ++i) REQUIRE(::pread(plain.get(), into.data(), kPart, static_cast<off_t>(i * kPart)) > 0);
    });
    auto opened = SealedLog::open(std::make_unique<LocalSegments>(std::move(directory)), log_key(), [](auto) -> Answer<void> { return {}; });
    REQUIRE(opened.has_value());
    auto& log = *opened->log;
    std::vector<std::vector<ChunkPlace>> places(kParts);
    say("append, 1 MiB at a time", [&] {
        for (std::size_t i = 0; i < kParts; ++i) places[i] = log.append(1, i * 64, part).value();
    });
    say("read, 1 MiB at a time", [&] {
        for (std::size_t i = 0; i < kParts; ++i) REQUIRE(log.read(1, i * 64, places[i], into).has_value());
    });
    say("read, 128 KiB at a time", [&] {
        for (std::size_t i = 0; i < kParts * 8; ++i) {
            auto const which = std::span(places[i / 8]).subspan(i % 8 * 8, 8);
            REQUIRE(log.read(1, i * 8, which, std::span(into).first(kPart / 8)).has_value());
        }
    });
    CHECK(into.back() == part.back());
    say("sync", [&] { REQUIRE(log.sync().has_value()); });
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
}

}  // namespace test_sealed_log_speed
