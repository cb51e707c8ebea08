// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A pseudo terminal with a person at it: types bytes, and waits for what it should show.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "support/terminal.h"

namespace ocu::test {

class PseudoTerminal {
public:
    PseudoTerminal(int rows, int columns) : terminal(rows, columns), master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
    {
        REQUIRE(master_);
        REQUIRE(::grantpt(master_.get()) == 0);
        REQUIRE(::unlockpt(master_.get()) == 0);
        std::array<char, 64> name{};
        REQUIRE(::ptsname_r(master_.get(), name.data(), name.size()) == 0);
        path_ = name.data();
        winsize const size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
        REQUIRE(::ioctl(master_.get(), TIOCSWINSZ, &size) == 0);
    }

    std::string const& path() const { return path_; }
    int master() const { return master_.get(); }
    // All of it, looking at what is shown meanwhile.
    void type(std::string_view bytes)
    {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!bytes.empty()) {
            REQUIRE(std::chrono::steady_clock::now() < until);
            auto const count = ::write(master_.get(), bytes.data(), std::min<std::size_t>(bytes.size(), 512));
            if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
            look(count > 0 ? 0 : 5);
        }
    }
    // Within some seconds.
    bool shows(std::string_view text)
    {
        return until([&] { return terminal.shows(text); });
    }
    bool until(std::function<bool()> const& true_now)
    {
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!true_now()) {
            if (std::chrono::steady_clock::now() > end) return false;
            look(20);
        }
        return true;
    }
    void wait(std::chrono::milliseconds time)
    {
        auto const end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) look(20);
    }
    void hang_up() { master_.reset(); }

    Terminal terminal;

private:
    void look(int wait_ms)
    {
        pollfd entry{master_.get(), POLLIN, 0};
        (void)::poll(&entry, 1, wait_ms);
        std::array<char, 4096> bytes;
        auto const count = ::read(master_.get(), bytes.data(), bytes.size());
        if (count > 0) terminal.take(std::string_view(bytes.data(), static_cast<std::size_t>(count)));
    }

    UniqueFd master_;
    std::string path_;
};

}  // namespace ocu::test
