// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/console/words. Numbers as a person reads them aloud.

#include "console/words.h"

namespace test_words {

using namespace ocu::console;

TEST_CASE("words: given a certificate's fingerprint, when it is shown, then it has four rows of four groups of four digits", "[console][AP-5]")
{
    std::string fingerprint;
    for (int i = 0; i < 32; ++i) fingerprint += (i ? ":" : "") + std::string(i % 2 ? "CD" : "AB");
    CHECK(fingerprint_rows(fingerprint) == std::vector<std::string>(4, "ABCD ABCD ABCD ABCD"));
    CHECK(fingerprint_rows("not hex") == std::vector<std::string>{"not hex"});
    CHECK(fingerprint_rows("") == std::vector<std::string>{""});
}

TEST_CASE("words: given times, when they are shown, then they are in words and never nonsense", "[console]")
{
    CHECK(time_words(1'795'655'239) == "2026-11-26 01:07:19 UTC");
    CHECK(time_words(0) == "not known");
    CHECK(time_words(-5) == "not known");
    CHECK(time_words(std::numeric_limits<std::int64_t>::max()) == "not known");
    CHECK(duration_words(42) == "42 s");
    CHECK(duration_words(192) == "3 min 12 s");
    CHECK(duration_words(3 * 3600 + 12 * 60) == "3 h 12 min");
    CHECK(duration_words(86'400 + 3 * 3600) == "1 day 3 h");
    CHECK(duration_words(~0ull).ends_with(" h"));
}

}  // namespace test_words
