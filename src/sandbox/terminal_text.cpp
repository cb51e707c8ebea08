// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/terminal_text.h"

#include "sandbox/exec_text.h"

namespace ocu::sandbox {

namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\a';

bool within(char byte, unsigned char first, unsigned char last)
{
    auto const value = static_cast<unsigned char>(byte);
    return value >= first && value <= last;
}

// One character, but never a line's end.
void erase_last(std::string& out)
{
    std::size_t size = out.size();
    while (size > 0 && continues_character(out[size - 1])) --size;
    out.resize(size > 0 && out[size - 1] != '\n' ? size - 1 : size);
}

}  // namespace

TerminalText::State TerminalText::after_escape(char byte) const
{
    switch (byte) {
    case '[': return State::control;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_': return State::string;
    case kEscape: return State::escape;
    default: return within(byte, 0x20, 0x2f) ? State::intermediate : State::text;
    }
}

void TerminalText::text(char byte, std::string& out)
{
    bool const was_returned = state_ == State::returned;
    if (byte == '\r') return void(state_ = State::returned);
    state_ = State::text;
    if (was_returned && byte != '\n' && !out.empty() && out.back() != '\n') out += '\n';
    if (byte == kEscape) return void(state_ = State::escape);
    if (byte == '\b') return erase_last(out);
    if (within(byte, 0x00, 0x1f) && byte != '\n' && byte != '\t') return;
    if (byte != '\x7f') out += byte;
}

std::string TerminalText::take(std::string_view bytes)
{
    std::string out;
    out.reserve(bytes.size());
    for (char const byte : bytes) {
        switch (state_) {
        case State::text:
        case State::returned: text(byte, out); break;
        case State::escape: state_ = after_escape(byte); break;
        case State::intermediate:
            if (!within(byte, 0x20, 0x2f)) state_ = byte == kEscape ? State::escape : State::text;
            break;
        case State::control:
            if (byte == kEscape) state_ = State::escape;
            if (within(byte, 0x40, 0x7e)) state_ = State::text;
            break;
        case State::string:
            if (byte == kBell) state_ = State::text;
            if (byte == kEscape) state_ = State::string_escape;
            break;
        case State::string_escape: state_ = byte == '\\' ? State::text : after_escape(byte); break;
        }
    }
    return out;
}

}  // namespace ocu::sandbox
