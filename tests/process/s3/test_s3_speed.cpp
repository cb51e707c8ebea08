// SPDX-License-Identifier: GPL-3.0-or-later
// `process_s3 "[speed]"`, for tests/bench/s3_rows.py: seconds for what rclone copies in the same run. Sealing is not in it (process_broker "[speed]").
#include <cstdio>

#include "s3_fixture.h"

namespace ocu::test_s3 {

TEST_CASE("s3: how long a gibibyte and small objects take", "[.][speed][P12]")
{
    Store store;
    constexpr std::size_t kPart = 1u << 20;
    constexpr std::size_t kPerSegment = 60;
    constexpr std::size_t kSmallBytes = 1'024;
    auto const parts = static_cast<std::size_t>(std::stoi("0" + setting("OCU_S3_MIB")));
    auto const small = static_cast<std::size_t>(std::stoi("0" + setting("OCU_S3_PIECES")));
    auto const part = bytes_of(1, kPart);
    auto begun = std::chrono::steady_clock::now();
    {
        auto const engine = store.engine();
        for (std::size_t i = 0; i < parts; ++i) {
            auto const segment = static_cast<SegmentNumber>(1 + i / kPerSegment);
            if (i % kPerSegment == 0) REQUIRE(engine->make(segment).has_value());
            REQUIRE(engine->append(segment, i % kPerSegment * kPart, part).has_value());
        }
        REQUIRE(engine->settle().has_value());
    }
    auto const up = seconds_since(begun);
    begun = std::chrono::steady_clock::now();
    {
        auto const engine = store.engine();
        REQUIRE(engine->list().has_value());
        std::vector<std::byte> into(kPart);
        for (std::size_t i = 0; i < parts; ++i)
            REQUIRE(engine->read(static_cast<SegmentNumber>(1 + i / kPerSegment), i % kPerSegment * kPart, into).value() == kPart);
    }
    auto const down = seconds_since(begun);
    auto const last = static_cast<SegmentNumber>(2 + parts / kPerSegment);
    begun = std::chrono::steady_clock::now();
    {
        auto const engine = store.engine();
        REQUIRE(engine->make(last).has_value());
        for (std::size_t i = 0; i < small; ++i) {
            REQUIRE(engine->append(last, i * kSmallBytes, std::span(part).first(kSmallBytes)).has_value());
            REQUIRE(engine->settle().has_value());
        }
    }
    auto const small_up = seconds_since(begun);
    begun = std::chrono::steady_clock::now();
    {
        auto const engine = store.engine();
        REQUIRE(engine->list().has_value());
        CHECK(read_all(*engine, last, small * kSmallBytes).size() == small * kSmallBytes);
    }
    std::printf("{\"up\": %.3f, \"down\": %.3f, \"small_up\": %.3f, \"small_down\": %.3f}\n", up, down, small_up, seconds_since(begun));
}

}  // namespace ocu::test_s3
