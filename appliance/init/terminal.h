// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A terminal of the machine, opened so that nothing about it can hold the first process up: non-blocking, no modem lines waited for, no
// flow control, not anybody's controlling terminal, raw. What it was like before is put back when it is closed.

#include <termios.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace ocu::init {

struct TerminalSize {
    std::uint16_t rows = 0;  // 0: the kernel does not know
    std::uint16_t columns = 0;
    bool operator==(TerminalSize const&) const = default;
};

class Terminal {
public:
    // Errors: os (not there), malformed (not a terminal).
    static Result<Terminal> open(std::string const& path);
    Terminal(Terminal&&) noexcept = default;
    Terminal& operator=(Terminal&& other) noexcept;
    ~Terminal() { close(); }

    int fd() const { return fd_.get(); }
    TerminalSize size() const;
    // What it has not taken yet, it will not get: closing it then waits for nothing.
    void drop_output();

private:
    Terminal(UniqueFd fd, termios before) : fd_(std::move(fd)), before_(before) {}
    void close();

    UniqueFd fd_;
    termios before_{};
};

}  // namespace ocu::init
