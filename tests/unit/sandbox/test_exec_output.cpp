// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/exec_output and exec_text. Checks what is kept of a stream, and that cuts fall between characters.

#include "sandbox/exec_output.h"

#include "sandbox/exec_text.h"

namespace test_exec_output {

using namespace ocu::sandbox;

std::string kept(std::string const& text, std::size_t step)
{
    ExecOutput output;
    for (std::size_t at = 0; at < text.size(); at += step) output.append(std::string_view(text).substr(at, step));
    return output.text(text.size());
}

TEST_CASE("exec_output: given up to 30,000 characters, when asked, then all of it is there", "[sandbox][SX-8]")
{
    for (std::size_t const step : {1u, 7u, 16'384u}) {
        CHECK(kept("", step).empty());
        CHECK(kept(std::string(15'000, 'x'), step) == std::string(15'000, 'x'));
        CHECK(kept(std::string(15'000, 'x') + std::string(15'000, 'y'), step) == std::string(15'000, 'x') + std::string(15'000, 'y'));
    }
}

TEST_CASE("exec_output: given more, when asked, then the first and last 15,000 and a notice of how many between", "[sandbox][SX-5][SX-8]")
{
    for (std::size_t const step : {1u, 7u, 16'384u}) {
        auto const text = kept(std::string(15'000, 'x') + std::string(70'001, 'm') + std::string(15'000, 'y'), step);
        CHECK(text.starts_with(std::string(15'000, 'x') + "\n\n[... 70001 characters left out"));
        CHECK(text.ends_with("...]\n\n" + std::string(15'000, 'y')));
        CHECK(kept(std::string(30'001, 'x'), step).find("[... 1 characters") != std::string::npos);
    }
}

TEST_CASE("exec_output: given characters of several bytes, when cut, then none is halved and each counts once", "[sandbox][SX-8]")
{
    std::string text;
    for (int i = 0; i < 40'000; ++i) text += "€";
    for (std::size_t const step : {1u, 2u, 4'096u}) {
        auto const shown = kept(text, step);
        CHECK(shown.starts_with(text.substr(0, 45'000) + "\n\n[... 10000 characters"));
        CHECK(shown.ends_with("...]\n\n" + text.substr(0, 45'000)));
    }
}

TEST_CASE("exec_output: given an endless stream, when kept, then memory is bounded whatever its bytes", "[sandbox][SX-5][T-06][T-07]")
{
    for (char const byte : {'y', '\x80', '\xff', '\n'}) {
        ExecOutput output;
        std::string const part(16'384, byte);
        for (int i = 0; i < 2'000; ++i) output.append(part);
        CHECK(output.text(part.size() * 2'000).size() <= 8u * 15'000 + 200);
        CHECK(output.last_line().size() <= ocu::proto::kLastLineBytesMax);
    }
}

TEST_CASE("exec_output: given a gap in the stream, when asked, then the notice counts bytes", "[sandbox][SX-5]")
{
    ExecOutput output;
    output.append(std::string(20'000, 'x'));
    output.gap();
    output.append(std::string(15'000, 'y'));
    auto const text = output.text(1'000'000);
    CHECK(text.starts_with(std::string(15'000, 'x') + "\n\n[... 970000 bytes left out"));
    CHECK(text.ends_with(std::string(15'000, 'y')));
}

TEST_CASE("exec_output: given lines, when asked for the last, then it is the last that is not blank", "[sandbox][GW-6]")
{
    ExecOutput output;
    CHECK(output.last_line().empty());
    output.append("one\ntw");
    CHECK(output.last_line() == "tw");
    output.append("o\n\n  \n");
    CHECK(output.last_line() == "two");
    output.append("10 %\r20 %\r");
    CHECK(output.last_line() == "20 %");
    output.append(std::string(254, 'x') + "€€");
    CHECK(output.last_line() == std::string(254, 'x'));
}

TEST_CASE("exec_text: given bytes, when cut, then whole characters remain", "[sandbox][T-07]")
{
    CHECK(first_characters("a€b", 2) == "a€");
    CHECK(last_characters("a€b", 2) == "€b");
    CHECK(last_characters("ab", 5) == "ab");
    CHECK(first_bytes("a€", 3) == "a");
    CHECK(first_bytes("a€", 4) == "a€");
    CHECK(first_bytes("\x80\x80\x80\x80\x80\x80\x80\x80", 6).size() == 6);
    CHECK(first_characters(std::string(100, '\x80'), 3).size() == 12);
    CHECK(last_characters(std::string(100, '\x80'), 3).size() == 12);
    CHECK(count_characters("a€b\x80") == 3);
}

}  // namespace test_exec_output
