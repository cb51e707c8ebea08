// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/terminal_text.h"

#include <algorithm>

#include "sandbox/exec_text.h"

namespace ocu::sandbox {

namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\a';
constexpr std::size_t kParameterMax = 100'000;
constexpr std::size_t kCharacterBytesMax = 4;

bool within(char byte, unsigned char first, unsigned char last)
{
    auto const value = static_cast<unsigned char>(byte);
    return value >= first && value <= last;
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

void TerminalText::escaped(char byte)
{
    state_ = after_escape(byte);
    parameter_ = 0;
    parameter_ended_ = false;
}

void TerminalText::put(char byte)
{
    if (continues_character(byte) && column_ > 0 && line_[column_ - 1].size() < kCharacterBytesMax) {
        line_[column_ - 1] += byte;
        return;
    }
    if (column_ == line_.size()) line_.emplace_back();
    line_[column_++] = std::string(1, byte);
}

void TerminalText::end_line(std::string& out)
{
    for (auto const& each : line_) out += each;
    line_.clear();
    column_ = 0;
}

// Within what is there: a program that moves further leaves a gap on the screen and none here.
void TerminalText::move(char final)
{
    auto const by = std::max<std::size_t>(parameter_, 1);
    switch (final) {
    case 'C': column_ = std::min(column_ + by, line_.size()); break;
    case 'D': column_ -= std::min(column_, by); break;
    case 'G': column_ = std::min(by - 1, line_.size()); break;
    case 'K':
        if (parameter_ == 0) line_.resize(column_);
        break;
    default: break;
    }
}

void TerminalText::control(char byte)
{
    if (within(byte, '0', '9') && !parameter_ended_) {
        parameter_ = std::min(10 * parameter_ + static_cast<std::size_t>(byte - '0'), kParameterMax);
    } else if (within(byte, 0x40, 0x7e)) {
        move(byte);
        state_ = State::text;
    } else if (byte == kEscape) {
        state_ = State::escape;
    } else {
        parameter_ended_ = true;
    }
}

void TerminalText::text(char byte, std::string& out)
{
    switch (byte) {
    case kEscape: state_ = State::escape; return;
    case '\r': column_ = 0; return;
    case '\b': column_ -= std::min<std::size_t>(column_, 1); return;
    case '\n':
        end_line(out);
        out += byte;
        return;
    default:
        if (!within(byte, 0x00, 0x1f) || byte == '\t')
            if (byte != '\x7f') put(byte);
    }
}

std::string TerminalText::take(std::string_view bytes)
{
    std::string out;
    out.reserve(bytes.size());
    for (char const byte : bytes) {
        switch (state_) {
        case State::text: text(byte, out); break;
        case State::escape: escaped(byte); break;
        case State::intermediate:
            if (!within(byte, 0x20, 0x2f)) state_ = byte == kEscape ? State::escape : State::text;
            break;
        case State::control: control(byte); break;
        case State::string:
            if (byte == kBell) state_ = State::text;
            if (byte == kEscape) state_ = State::string_escape;
            break;
        case State::string_escape:
            if (byte == '\\') state_ = State::text;
            else escaped(byte);
            break;
        }
    }
    end_line(out);
    return out;
}

}  // namespace ocu::sandbox
