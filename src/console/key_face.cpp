// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/key_face.h"

#include <array>
#include <charconv>
#include <string_view>

#include "console/limits.h"

namespace ocu::console {

namespace {

constexpr char kEscape = '\x1b';
constexpr Key kUnknown{KeyKind::unknown};

constexpr bool is_final(char c) { return c >= '@' && c <= '~'; }
constexpr bool is_inner(char c) { return c >= ' ' && c < '@'; }

// Numbers between semicolons, each 1 to 9999; nothing for anything else.
std::vector<int> numbers_of(std::string_view text)
{
    std::vector<int> numbers;
    while (!text.empty()) {
        auto const part = text.substr(0, text.find(';'));
        int value = 0;
        auto const [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (error != std::errc{} || end != part.data() + part.size() || value < 1 || value > 9999) return {};
        numbers.push_back(value);
        text.remove_prefix(part.size());
        if (text == ";") return {};
        if (!text.empty()) text.remove_prefix(1);
    }
    return numbers;
}

Key function(int number) { return {.kind = KeyKind::function, .number = number}; }

// ESC [ 15 ~ and its like: the VT220's numbering, which has gaps.
Key numbered(int number)
{
    switch (number) {
    case 1:
    case 7: return {KeyKind::home};
    case 4:
    case 8: return {KeyKind::end};
    case 5: return {KeyKind::page_up};
    case 6: return {KeyKind::page_down};
    default: break;
    }
    constexpr std::array kFunctions{11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24};
    for (std::size_t i = 0; i < kFunctions.size(); ++i)
        if (kFunctions[i] == number) return function(static_cast<int>(i) + 1);
    return kUnknown;
}

// The letter that ends ESC [ or ESC O.
Key lettered(char c)
{
    switch (c) {
    case 'A': return {KeyKind::up};
    case 'B': return {KeyKind::down};
    case 'C': return {KeyKind::right};
    case 'D': return {KeyKind::left};
    case 'F': return {KeyKind::end};
    case 'H': return {KeyKind::home};
    case 'M': return {KeyKind::enter};  // of the keypad
    case 'Z': return {KeyKind::back_tab};
    case 'P':
    case 'Q':
    case 'R':
    case 'S': return function(c - 'P' + 1);
    default: return kUnknown;
    }
}

Key sequence_key(std::string_view inner, char final)
{
    if (inner.empty()) return final == 'M' ? kUnknown : lettered(final);
    auto const numbers = numbers_of(inner);
    if (numbers.empty() || numbers.size() > 2) return kUnknown;
    if (final == '~') return numbered(numbers[0]);
    if (final == 'R' && numbers.size() == 2) return {.kind = KeyKind::position, .row = numbers[0], .column = numbers[1]};
    return numbers[0] == 1 && final != 'M' ? lettered(final) : kUnknown;  // 1;5A: with Ctrl
}

}  // namespace

std::optional<Key> KeyReader::plain(char c)
{
    bool const line_feed_of_return = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (line_feed_of_return) return std::nullopt;
    if (c >= ' ' && c <= '~') return Key{.kind = KeyKind::character, .letter = c};
    switch (c) {
    case '\r':
    case '\n': return Key{KeyKind::enter};
    case '\t': return Key{KeyKind::tab};
    case '\b':
    case '\x7f': return Key{KeyKind::backspace};
    case '\f': return Key{KeyKind::redraw};
    default: return kUnknown;
    }
}

std::optional<Key> KeyReader::after_escape(char c)
{
    if (c == kEscape) return Key{KeyKind::escape};  // and this one is pending now
    if (c == '[' || c == 'O') {
        state_ = c == '[' ? State::sequence : State::shifted;
        sequence_.clear();
        return std::nullopt;
    }
    state_ = State::ground;
    return kUnknown;  // Alt with a letter: never that letter
}

std::optional<Key> KeyReader::in_sequence(char c)
{
    if (sequence_.empty() && c == '[') {  // the Linux console's F1 to F5: ESC [ [ A
        state_ = State::linux_function;
        return std::nullopt;
    }
    if (is_inner(c)) {
        if (sequence_.size() == kKeyBytesMax)
            state_ = State::too_long;
        else
            sequence_ += c;
        return std::nullopt;
    }
    state_ = State::ground;
    return is_final(c) ? sequence_key(sequence_, c) : kUnknown;
}

std::optional<Key> KeyReader::take(char c)
{
    // An escape begins anew wherever it comes.
    if (c == kEscape && state_ != State::escape) {
        auto const broken = state_ == State::ground ? std::nullopt : std::optional(kUnknown);
        state_ = State::escape;
        after_return_ = false;
        return broken;
    }
    switch (state_) {
    case State::ground: return plain(c);
    case State::escape: return after_escape(c);
    case State::sequence: return in_sequence(c);
    case State::shifted: state_ = State::ground; return lettered(c);
    case State::linux_function: state_ = State::ground; return c >= 'A' && c <= 'E' ? function(c - 'A' + 1) : kUnknown;
    case State::too_long:
        if (is_inner(c)) return std::nullopt;
        state_ = State::ground;
        return kUnknown;
    }
    return kUnknown;
}

std::vector<Key> KeyReader::read(std::span<std::byte const> bytes)
{
    std::vector<Key> keys;
    for (auto const byte : bytes)
        if (auto const key = take(static_cast<char>(byte))) keys.push_back(*key);
    return keys;
}

std::optional<Key> KeyReader::timed_out()
{
    if (state_ == State::ground) return std::nullopt;
    auto const key = state_ == State::escape ? Key{KeyKind::escape} : kUnknown;
    state_ = State::ground;
    return key;
}

}  // namespace ocu::console
