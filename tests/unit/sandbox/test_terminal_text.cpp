// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/terminal_text. What a reader is given of what a terminal was given.

#include "sandbox/terminal_text.h"

#include <catch2/catch_test_macros.hpp>

namespace test_terminal_text {

using ocu::sandbox::TerminalText;

std::string plain(std::string_view bytes) { return TerminalText().take(bytes); }

TEST_CASE("terminal_text: given control sequences of each kind, when taken, then only the text is left", "[sandbox][SX-3]")
{
    CHECK(plain("\x1b[1;31mred\x1b[0m\r\n") == "red\n");
    CHECK(plain("\x1b[?2004h>>> ") == ">>> ");
    CHECK(plain("\x1b]0;a title\atext") == "text");
    CHECK(plain("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\") == "link");
    CHECK(plain("\x1b(B\x1b=a\x1b>b\x1bMc") == "abc");
    CHECK(plain("\x1bPdevice\x1b\\control") == "control");
    CHECK(plain("a\x1b[\x1b[31mb") == "ab");
    CHECK(plain(std::string_view("n\0u\al\x7fl", 7)) == "null");
    CHECK(plain("\xc3\xa9\xe2\x82\xac") == "\xc3\xa9\xe2\x82\xac");
}

TEST_CASE("terminal_text: given line ends, when taken, then one kind is left, and of a line that is written over its last state", "[sandbox][SX-3]")
{
    CHECK(plain("a\r\nb\nc\r\n") == "a\nb\nc\n");
    CHECK(plain("10%\r50%\r100%\r\n") == "100%\n");
    CHECK(plain("\r\r\nx") == "\nx");
}

TEST_CASE("terminal_text: given backspaces, when taken, then what follows is written over, within their line", "[sandbox][SX-3]")
{
    CHECK(plain("lz\bs") == "ls");
    CHECK(plain("\xe2\x82\xac\bx") == "x");
    CHECK(plain("a\r\n\b\bb") == "a\nb");
    CHECK(plain("\b\x80\b") == "\x80");
}

TEST_CASE("terminal_text: given a line that an editor redraws, when taken, then it stands there once", "[sandbox][SX-3]")
{
    CHECK(plain("\x1b[4D\x1b[35m>>> \x1b[0ma\x1b[5D\x1b[5C\x1b[5D>>> a=\x1b[6D\x1b[6C\x1b[6D>>> a=1\x1b[7D\n\r") == ">>> a=1\n");
    CHECK(plain("abc\x1b[1Gx") == "xbc");
    CHECK(plain("abc\x1b[2D\x1b[K") == "a");
    CHECK(plain("abc\r\x1b[K") == "");
    CHECK(plain("a\x1b[99999999999Cb\x1b[99999999999D") == "ab");
}

TEST_CASE("terminal_text: given a sequence cut anywhere, when its pieces are taken, then the same is left", "[sandbox][T-07]")
{
    std::string const whole = "a\x1b[1;31mb\x1b]0;t\x1b\\c\x1b(Bd\x1bPq\x1b\\e";
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        TerminalText text;
        auto const first = text.take(std::string_view(whole).substr(0, cut));
        CHECK(first + text.take(std::string_view(whole).substr(cut)) == "abcde");
    }
}

}  // namespace test_terminal_text
