// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Face: what a keyboard sends, or whoever holds the other end of a serial line (T-19). Bytes in, keys out; nothing else is learned from
// them. Understands the forms of the Linux console, VT100 and xterm. What it does not know is one `unknown` key, not a run of letters: a
// broken or endless sequence does not turn into typing (one that pauses is taken to have ended).
// Pure; keeps at most kKeyBytesMax bytes.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ocu::console {

enum class KeyKind : std::uint8_t {
    character,  // printable ASCII: `letter`
    enter,
    escape,
    tab,
    back_tab,
    backspace,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    function,  // F1 to F12: `number`
    redraw,    // Ctrl-L
    position,  // the terminal's answer to where its cursor is: `row`, `column`, each 1 to 9999
    unknown,
};

struct Key {
    KeyKind kind{};
    char letter = 0;
    int number = 0;
    int row = 0;
    int column = 0;
    bool operator==(Key const&) const = default;
};

class KeyReader {
public:
    // The keys that are whole by now, in order. At most one for each byte.
    std::vector<Key> read(std::span<std::byte const> bytes);
    // An escape is pending that may be the key or the beginning of one: call timed_out() when kKeyWait passes without a byte.
    bool waiting() const { return state_ != State::ground; }
    // What was pending was all: the Esc key, or a sequence that broke off.
    std::optional<Key> timed_out();

private:
    enum class State : std::uint8_t { ground, escape, sequence, shifted, linux_function, too_long };

    std::optional<Key> take(char c);
    std::optional<Key> plain(char c);
    std::optional<Key> after_escape(char c);
    std::optional<Key> in_sequence(char c);

    State state_ = State::ground;
    std::string sequence_;     // what came after ESC [
    bool after_return_ = false;  // CR LF is one Enter
};

}  // namespace ocu::console
