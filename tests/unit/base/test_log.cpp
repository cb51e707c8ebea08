// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/base/log. One line for one event, whatever is in it, and never longer than a line may be.

#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/unique_fd.h"

namespace test_log {

using namespace ocu;

// What `act` writes to stderr.
std::string written_by(std::function<void()> const& act)
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    UniqueFd const out(ends[0]);
    UniqueFd in(ends[1]);
    std::fflush(stderr);
    UniqueFd const kept = duplicate(STDERR_FILENO).value();
    REQUIRE(::dup2(in.get(), STDERR_FILENO) == STDERR_FILENO);
    act();
    REQUIRE(::dup2(kept.get(), STDERR_FILENO) == STDERR_FILENO);
    std::string text(4'096, '\0');
    auto const size = ::read(out.get(), text.data(), text.size());
    REQUIRE(size > 0);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

// 2026-01-02T03:04:05.678Z
bool begins_with_time(std::string_view line)
{
    constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.dddZ ";
    if (line.size() < kShape.size()) return false;
    for (std::size_t i = 0; i < kShape.size(); ++i)
        if (kShape[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != kShape[i]) return false;
    return true;
}

TEST_CASE("log: given an event, when it is logged, then one line with time, level, who and what", "[base]")
{
    auto const line = written_by([] { log::warning("it happened", "here"); });
    CHECK(begins_with_time(line));
    CHECK(line.ends_with("Z warning core: it happened here\n"));
    CHECK(written_by([] { log::info("plain"); }).ends_with("Z info core: plain\n"));
}

TEST_CASE(
    "log: given control characters in a detail, when it is logged, then they start no line and steer no terminal", "[base][T-07][T-09]")
{
    std::string detail =
        "a\nb\rc\x1b[2Jd\te\x7f"
        "f";
    detail += '\0';
    detail += 'g';
    auto const line = written_by([&] { log::error("said:", detail); });
    CHECK(line.ends_with("said: a?b?c?[2Jd?e?f?g\n"));
    CHECK(std::ranges::count(line, '\n') == 1);
    for (char c = 0; c < ' '; ++c) {
        INFO(static_cast<int>(c));
        CHECK(written_by([&] { log::info("x", std::string_view(&c, 1)); }).ends_with("x ?\n"));
    }
}

TEST_CASE("log: given a detail of any length, when it is logged, then the line is cut and still one line", "[base][T-06]")
{
    for (std::size_t const size : {400u, 450u, 500u, 512u, 513u, 3'000u}) {
        auto const line = written_by([&] { log::info("long", std::string(size, 'x')); });
        CHECK(line.size() <= 512);
        CHECK(line.ends_with("x\n"));
        CHECK(std::ranges::count(line, '\n') == 1);
    }
}

TEST_CASE("log: given an error, when it is logged, then its fault, its words and the name of the system's error", "[base]")
{
    Error const plain{Fault::malformed, "a bad frame", 0, std::source_location::current()};
    CHECK(written_by([&] { log::failure("helper ends", plain); }).ends_with("Z error core: helper ends (malformed: a bad frame)\n"));
    Error const of_system{Fault::os, "open", ENOENT, std::source_location::current()};
    CHECK(written_by([&] { log::failure("helper ends", of_system); }).ends_with("helper ends (os: open, ENOENT)\n"));
}

}  // namespace test_log
