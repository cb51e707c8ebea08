// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Standard error of the first process and of the helpers that it starts, turned into lines for the screens' log: a terminal belongs to
// the screen on it. Lines are not the record; when nobody reads fast enough, they are lost.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "appliance/init/core_lines.h"
#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::init {

class OwnLog {
public:
    // From here on descriptors 1 and 2 lead to `take`. Errors: os.
    static Result<std::unique_ptr<OwnLog>> take(wire::Loop& loop, std::function<void(std::string_view line)> take);

private:
    OwnLog() = default;
    void read();

    UniqueFd read_end_;
    LineSplitter lines_;
    std::function<void(std::string_view)> take_;
    wire::Watch watch_;
};

// For a terminal: printable ASCII, at most 400 bytes.
std::string printable_line(std::string_view line);

}  // namespace ocu::init
