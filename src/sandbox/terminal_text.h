// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a program wrote to its terminal, as a reader wants it: without control sequences (ECMA-48), one kind of line end, and of a line that was
// written over only what stands in the end, as far back as the piece goes. Moves between lines are not followed: a full-screen program is read
// raw. A sequence may be cut anywhere between two pieces. The bytes are a guest's (T-07): a few states, one line, no system calls. Work: once
// over the bytes.

#include <string>
#include <string_view>
#include <vector>

namespace ocu::sandbox {

class TerminalText {
public:
    // Never longer than what came in.
    std::string take(std::string_view bytes);

private:
    enum class State { text, escape, intermediate, control, string, string_escape };

    void text(char byte, std::string& out);
    void put(char byte);
    void control(char byte);
    void move(char final);
    State after_escape(char byte) const;
    void escaped(char byte);
    void end_line(std::string& out);

    State state_ = State::text;
    std::size_t parameter_ = 0;        // of a control sequence, its first
    bool parameter_ended_ = false;
    std::vector<std::string> line_;    // of this piece: a character each
    std::size_t column_ = 0;           // <= line_.size()
};

}  // namespace ocu::sandbox
