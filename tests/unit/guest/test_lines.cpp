// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/lines. Checks line numbers, ranges and the budget, however the bytes are cut into pieces.

#include "guest/lines.h"

namespace test_lines {

using ocu::guest::NumberedLines;

std::string shown(std::string_view text, std::int64_t first, std::int64_t last, std::size_t step = 1)
{
    NumberedLines lines(first, last, 1000);
    for (std::size_t at = 0; at < text.size(); at += step)
        if (!lines.feed(text.substr(at, step))) break;
    return lines.text();
}

TEST_CASE("lines: given a text, when all of it is shown, then each line has its number", "[guest][SX-8]")
{
    for (std::size_t const step : {1u, 2u, 3u, 100u}) {
        CHECK(shown("a\n\nb", 1, -1, step) == "     1\ta\n     2\t\n     3\tb");
        CHECK(shown("a\nb\n", 1, -1, step) == "     1\ta\n     2\tb");
    }
    CHECK(shown("", 1, -1).empty());
}

TEST_CASE("lines: given a range, when it is shown, then its lines keep their real numbers", "[guest][SX-8]")
{
    for (std::size_t const step : {1u, 2u, 100u}) {
        CHECK(shown("a\nb\nc\nd\n", 2, 3, step) == "     2\tb\n     3\tc");
        CHECK(shown("a\nb\nc\nd\n", 4, -1, step) == "     4\td");
        CHECK(shown("a\nb\nc\nd\n", 3, 99, step) == "     3\tc\n     4\td");
    }
}

TEST_CASE("lines: given a range beyond the end, when fed, then the count of lines is known", "[guest][SX-8]")
{
    NumberedLines ended(10, -1, 1000);
    CHECK(ended.feed("a\nb\n"));
    CHECK(ended.lines_seen() == 2);
    NumberedLines open(10, -1, 1000);
    CHECK(open.feed("a\nb"));
    CHECK(open.lines_seen() == 2);
    CHECK(NumberedLines(1, -1, 10).lines_seen() == 0);
}

TEST_CASE("lines: given the range's last line, when it is over, then nothing more is wanted", "[guest][T-06]")
{
    NumberedLines lines(1, 1, 1000);
    CHECK_FALSE(lines.feed("a\n"));
}

TEST_CASE("lines: given a line longer than the budget, when fed, then it is cut and says where", "[guest][T-06]")
{
    NumberedLines lines(1, -1, 20);
    CHECK_FALSE(lines.feed(std::string(1000, 'x')));
    CHECK(lines.text() == "     1\t" + std::string(13, 'x'));
    CHECK(lines.cut_in_line() == 1);
    CHECK_FALSE(lines.feed("y"));
    CHECK(lines.text().size() == 20);
}

TEST_CASE("lines: given characters of several bytes, when cut, then none is halved", "[guest][SX-8]")
{
    NumberedLines lines(1, -1, 10);
    CHECK_FALSE(lines.feed("€€€€€"));
    CHECK(lines.text() == "     1\t€€€");
}

TEST_CASE("lines: given bytes that begin no character, when fed, then the budget still ends them", "[guest][T-06]")
{
    NumberedLines lines(1, -1, 10);
    CHECK_FALSE(lines.feed(std::string(1000, '\x80')));
    CHECK(lines.text().size() <= 40);
}

}  // namespace test_lines
