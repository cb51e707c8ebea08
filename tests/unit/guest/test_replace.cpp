// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/replace. Checks that a text is replaced only where it occurs exactly once, in the file's own encoding and line endings.

#include "guest/replace.h"

namespace test_replace {

using namespace ocu::guest;

TEST_CASE("replace: given one occurrence, when it is replaced, then only those bytes change", "[guest][SX-8]")
{
    auto const done = replace_once("one two three", "two", "2");
    CHECK(done.count == 1);
    CHECK(done.content == "one 2 three");
    CHECK(replace_once("one two", " two", "").content == "one");
}

TEST_CASE("replace: given several occurrences, when asked, then the count and their lines are said", "[guest][SX-8]")
{
    auto const done = replace_once("a\nb a\n\na", "a", "x");
    CHECK(done.count == 3);
    CHECK(done.lines == std::vector<std::uint64_t>{1, 2, 4});
    CHECK(done.content.empty());
}

TEST_CASE("replace: given overlapping occurrences, when asked, then it is ambiguous", "[guest][SX-8]")
{
    CHECK(replace_once("aaa", "aa", "x").count == 2);
}

TEST_CASE("replace: given very many occurrences, when asked, then counting is bounded", "[guest][T-06]")
{
    auto const done = replace_once(std::string(100'000, 'a'), "a", "b");
    CHECK(done.count == kCountMax);
    CHECK(done.lines.size() == kLinesNamedMax);
}

TEST_CASE("replace: given no occurrence or an empty text, when asked, then nothing is done", "[guest][SX-8]")
{
    CHECK(replace_once("abc", "x", "y").count == 0);
    CHECK(replace_once("abc", "", "y").count == 0);
    CHECK(replace_once("", "x", "y").count == 0);
}

TEST_CASE("replace: given CR LF lines, when the texts have LF, then the endings are kept", "[guest][SX-8]")
{
    auto const done = replace_once("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz");
    CHECK(done.count == 1);
    CHECK(done.content == "x\r\ny\r\nz\r\nc\r\n");
    CHECK(replace_once("a\r\nb\r\n", "a\r\nb", "q").content == "q\r\n");
}

TEST_CASE("replace: given mixed line endings, when asked, then bytes are taken as they are", "[guest][SX-8]")
{
    CHECK(replace_once("a\r\nb\nc\n", "a\nb", "x").count == 0);
    CHECK(replace_once("a\r\nb\nc\n", "b\nc", "x\ny").content == "a\r\nx\ny\n");
}

TEST_CASE("replace: given Latin-1 content, when the texts are UTF-8, then the encoding is kept", "[guest][SX-8]")
{
    auto const done = replace_once("caf\xe9 ol\xe9", "café", "thé");
    CHECK(done.count == 1);
    CHECK(done.content == "th\xe9 ol\xe9");
    auto const lacking = replace_once("caf\xe9", "café", "5 €");
    CHECK_FALSE(lacking.representable);
    CHECK(lacking.content.empty());
}

TEST_CASE("replace: given UTF-16 with CR LF, when a line is replaced, then units, order and endings are kept", "[guest][SX-8]")
{
    std::string little(
        "\xff\xfe"
        "a\0\r\0\n\0b\0",
        10);
    CHECK(replace_once(little, "a\nb", "c").content == std::string("\xff\xfe"
                                                                   "c\0",
                                                           4));
    std::string big(
        "\xfe\xff"
        "\0a\0b",
        6);
    CHECK(replace_once(big, "b", "\xf0\x9f\x98\x80").content == std::string("\xfe\xff\0a\xd8\x3d\xde\x00", 8));
    // U+6100 U+0062 holds the bytes of "a" across two units, which is no occurrence.
    std::string halves("\xff\xfe\x00\x61\x00\x62", 6);
    CHECK(replace_once(halves, "a", "x").count == 0);
}

TEST_CASE("replace: given a byte order mark, when text is replaced, then the mark stays", "[guest][SX-8]")
{
    CHECK(replace_once("\xef\xbb\xbfone", "one", "two").content == "\xef\xbb\xbftwo");
}

TEST_CASE("replace: given bytes that are no UTF-8, when judged, then they are not taken for it", "[guest]")
{
    CHECK(is_utf8("aé€😀"));
    CHECK_FALSE(is_utf8("\xc0\xaf"));
    CHECK_FALSE(is_utf8("\xed\xa0\x80"));
    CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));
    CHECK_FALSE(is_utf8("\xe2\x82"));
}

}  // namespace test_replace
