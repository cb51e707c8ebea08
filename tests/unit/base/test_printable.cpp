// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: base/printable. Nothing but printable ASCII comes of it, whoever wrote the text.

#include <catch2/catch_test_macros.hpp>

#include "base/printable.h"

namespace test_printable {

using namespace ocu;

TEST_CASE("printable: given texts that would do something to a terminal or a reader, when they are shown, then they only say what they are",
    "[base][T-19]")
{
    CHECK(printable("plain text, 100 %") == "plain text, 100 %");
    CHECK(printable("\x1b[2J\x07") == "\\x1b[2J\\x07");
    CHECK(printable("a\nb\tc\r") == "a\\x0ab\\x09c\\x0d");
    CHECK(printable("\x7f\x80\xff\x9b") == "\\x7f\\x80\\xff\\x9b");
    CHECK(printable("Z\xc3\xbcrich") == "Z\\u{fc}rich");
    CHECK(printable("\xe2\x80\xae"
                    "evil") == "\\u{202e}evil");                 // right-to-left override
    CHECK(printable("\xc2\x9b"
                    "1m") == "\\u{9b}1m");                           // the eight-bit form of ESC [, as UTF-8
    CHECK(printable("\xf0\x9f\x94\x91") == "\\u{1f511}");
    CHECK(printable("\xc0\xaf\xe0\x80\xaf") == "\\xc0\\xaf\\xe0\\x80\\xaf");    // overlong
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");                      // a surrogate
    CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");             // beyond Unicode
    CHECK(printable("\xe2\x80") == "\\xe2\\x80");                               // cut off
    CHECK(printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE(
    "printable: given every pair of bytes, when it is shown, then only printable ASCII is left and showing that again changes nothing",
    "[base][T-19]")
{
    for (int pair = 0; pair < 0x10000; ++pair) {
        std::string const text{static_cast<char>(pair >> 8), static_cast<char>(pair & 0xff)};
        auto const shown = printable(text);
        bool const good = std::ranges::all_of(shown, [](char c) { return c >= ' ' && c <= '~'; });
        if (!good || shown.size() > 12 || printable(shown) != shown) FAIL("bytes " << pair);
    }
}

TEST_CASE("printable: given lines, when they are shown as lines, then ends of line stay and nothing else does", "[base][T-19]")
{
    CHECK(printable_lines("a\r\nb\n\tc\rd") == "a\nb\n    c\\x0dd");
}

TEST_CASE("printable: given text wider than a screen, when it is wrapped, then every character is there and no row is too long", "[base]")
{
    using Rows = std::vector<std::string>;
    CHECK(wrapped("", 5) == Rows{""});
    CHECK(wrapped("one two three", 7) == Rows{"one two", "three"});
    CHECK(wrapped("0123456789", 4) == Rows{"0123", "4567", "89"});
    CHECK(wrapped("a\n\nb\n", 4) == Rows{"a", "", "b"});
    CHECK(wrapped("  indented words", 11) == Rows{"  indented", "words"});
    CHECK(wrapped("    abcdefgh", 6) == Rows{"    ab", "cdefgh"});
    std::string const text(5'000, 'x');
    for (std::size_t width : {1u, 7u, 80u}) {
        std::string all;
        for (auto const& row : wrapped(text, width)) {
            CHECK(row.size() <= width);
            all += row;
        }
        CHECK(all == text);
    }
}

}  // namespace test_printable
