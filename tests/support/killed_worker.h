// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A process that works, tells what it has promised, and is killed at a moment of nobody's choosing.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace ocu::test {

// `work` gets where to write its promises to, each a std::uint64_t above the one before, and does not return. It is killed after `reports` of
// them; the last one that it told, which may be a later one.
template <class Work>
std::uint64_t last_promise_of(Work work, std::uint64_t reports)
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd const ours(ends[0]);
    UniqueFd theirs(ends[1]);
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) work(theirs.get());
    theirs.reset();
    std::uint64_t promised = 0;
    for (; reports != 0; --reports) REQUIRE(::read(ours.get(), &promised, sizeof promised) == sizeof promised);
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    std::uint64_t last = 0;
    while (::read(ours.get(), &last, sizeof last) == sizeof last) promised = last;
    return promised;
}

}  // namespace ocu::test
