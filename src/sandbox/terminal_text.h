// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a program wrote to its terminal, as a reader wants it: without control sequences (ECMA-48), one kind of line end, what was erased by
// backspace gone. Where a terminal would move its cursor nothing is moved: a full-screen program is read raw. A sequence may be cut anywhere
// between two pieces. The bytes are a guest's (T-07): a few states, no buffer, no system calls. Work: once over the bytes.

#include <string>
#include <string_view>

namespace ocu::sandbox {

class TerminalText {
public:
    // Never longer than what came in by more than one byte.
    std::string take(std::string_view bytes);

private:
    // A carriage return is a line's end only when no line feed follows.
    enum class State { text, returned, escape, intermediate, control, string, string_escape };

    void text(char byte, std::string& out);
    State after_escape(char byte) const;

    State state_ = State::text;
};

}  // namespace ocu::sandbox
