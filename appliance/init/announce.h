// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Lines of the first process for whoever stands in front of the machine, while no screen helper serves (start, end, disaster). Written
// straight to the consoles, never waiting for one. docs/operating/boot-lines.md lists those that people and tests rely on.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ocu::init {

class Announcer {
public:
    // Before the command line is known: /dev/console.
    Announcer() = default;
    // Kernel names as in `console=`.
    explicit Announcer(std::vector<std::string> consoles) : consoles_(std::move(consoles)) {}

    // "ocu: TEXT". Bytes that are not printable become '?'.
    void say(std::string_view text) const;
    void say(std::string_view what, Error const& error) const;

private:
    std::vector<std::string> consoles_;
};

// "ocu: TEXT" and a line end, printable and at most 400 bytes.
std::string line_of(std::string_view text);
// "what: why (ERRNO)".
std::string in_words(std::string_view what, Error const& error);

}  // namespace ocu::init
