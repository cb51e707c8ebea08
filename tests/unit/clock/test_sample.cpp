// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/clock/sample. Four moments become an offset and a delay, unless they contradict each other.

#include "clock/sample.h"

#include "clock/limits.h"

namespace test_sample {

using namespace ocu;
using namespace std::chrono_literals;

constexpr std::chrono::seconds kUnix{1'790'000'000};

clock::NtpTimestamp ntp(std::chrono::nanoseconds when)
{
    auto const seconds = std::chrono::floor<std::chrono::seconds>(when);
    auto const fraction = static_cast<std::uint64_t>((when - seconds).count()) * (1ull << 32) / 1'000'000'000u;
    return (static_cast<std::uint64_t>(seconds.count() + 2'208'988'800) << 32) | fraction;
}

bool near(std::chrono::nanoseconds left, std::chrono::nanoseconds right) { return std::chrono::abs(left - right) < 10ns; }

TEST_CASE("sample: given a server in the middle of the way, when it is computed, then offset and delay are exact", "[clock]")
{
    // 10 ms there, 2 ms inside, 10 ms back; the server's clock is kUnix when ours is 100 s.
    auto const sample = clock::sample_of({ntp(kUnix + 10ms), ntp(kUnix + 12ms), 2, {}}, {100s, 100s + 22ms, kUnix});
    REQUIRE(sample.has_value());
    CHECK(near(sample->unix_minus_monotonic, kUnix - 100s));
    CHECK(near(sample->delay, 20ms));
}

TEST_CASE("sample: given a way that is longer in one direction, when it is computed, then the error is half of the difference",
    "[clock][T-21]")
{
    auto const sample = clock::sample_of({ntp(kUnix + 100ms), ntp(kUnix + 100ms), 2, {}}, {100s, 100s + 100ms, kUnix});
    REQUIRE(sample.has_value());
    CHECK(near(sample->unix_minus_monotonic, kUnix - 100s + 50ms));
}

TEST_CASE("sample: given a packet held up for longer than the bound, when it is computed, then it says nothing", "[clock][T-21]")
{
    CHECK(clock::sample_of({ntp(kUnix), ntp(kUnix), 2, {}}, {100s, 100s + clock::kDelayMax, kUnix}).has_value());
    CHECK_FALSE(clock::sample_of({ntp(kUnix), ntp(kUnix), 2, {}}, {100s, 100s + clock::kDelayMax + 1us, kUnix}).has_value());
}

TEST_CASE("sample: given moments that contradict each other, when they are computed, then they say nothing", "[clock][T-21]")
{
    CHECK_FALSE(clock::sample_of({ntp(kUnix + 1s), ntp(kUnix), 2, {}}, {100s, 102s, kUnix}).has_value());   // answered before asked
    CHECK_FALSE(clock::sample_of({ntp(kUnix), ntp(kUnix + 30ms), 2, {}}, {100s, 100s + 20ms, kUnix}).has_value());
    CHECK_FALSE(clock::sample_of({ntp(kUnix), ntp(kUnix), 2, {}}, {100s, 99s, kUnix}).has_value());
}

}  // namespace test_sample
