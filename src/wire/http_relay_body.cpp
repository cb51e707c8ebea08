// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_relay_body.h"

#include <algorithm>
#include <charconv>

#include "wire/percent.h"

namespace ocu::wire {

namespace {

constexpr std::size_t kSizeDigitsMax = 15;  // 60 bits: no reader on the way can overflow

}  // namespace

BodyReader::BodyReader(BodyFraming framing, Extensions extensions) : left_(framing.length), extensions_(extensions)
{
    switch (framing.kind) {
    case Framing::none: state_ = State::done; break;
    case Framing::length: state_ = framing.length == 0 ? State::done : State::data; break;
    case Framing::chunked: state_ = State::size; break;
    case Framing::until_close: state_ = State::until_close; break;
    }
}

std::size_t BodyReader::feed(std::string_view in, std::size_t bytes_max, std::string& out)
{
    std::size_t used = 0;
    while (used < in.size() && state_ != State::done && state_ != State::broken) {
        if (state_ == State::data || state_ == State::chunk || state_ == State::until_close) {
            auto count = std::min(in.size() - used, bytes_max);
            if (count == 0) break;
            if (state_ != State::until_close) count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
            out.append(in.substr(used, count));
            used += count;
            bytes_max -= count;
            if (state_ == State::until_close) continue;
            left_ -= count;
            if (left_ == 0) state_ = state_ == State::data ? State::done : State::chunk_end;
            continue;
        }
        if (!take(in[used])) state_ = State::broken;
        ++used;
    }
    return used;
}

// One byte of a chunk's frame; false if it may not stand there.
bool BodyReader::take(char c)
{
    switch (state_) {
    case State::size: return take_size(c);
    case State::extension:
        if (c == '\r') {
            state_ = State::size_end;
            return true;
        }
        return ++extra_bytes_ <= kExtensionBytesMax && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    case State::size_end:
        if (c != '\n') return false;
        extra_bytes_ = 0;
        digits_ = 0;
        state_ = left_ == 0 ? State::trailer : State::chunk;
        return true;
    case State::chunk_end: state_ = State::chunk_end_2; return c == '\r';
    case State::chunk_end_2: state_ = State::size; return c == '\n';
    case State::trailer: return take_trailer(c);
    default: return false;
    }
}

bool BodyReader::take_size(char c)
{
    if (int const value = hex_digit(c); value >= 0) {
        left_ = digits_ == 0 ? static_cast<std::uint64_t>(value) : left_ * 16 + static_cast<std::uint64_t>(value);
        return ++digits_ <= kSizeDigitsMax;
    }
    if (digits_ == 0) return false;
    if (c == '\r') {
        state_ = State::size_end;
        return true;
    }
    state_ = State::extension;
    return c == ';' && extensions_ == Extensions::dropped;
}

bool BodyReader::take_trailer(char c)
{
    if (++extra_bytes_ > kTrailerBytesMax) return false;
    if (c != '\n') {
        // A CR may only be the last byte of its line.
        if (trailer_line_.ends_with('\r') || (static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\t')) return false;
        trailer_line_ += c;
        return true;
    }
    if (!trailer_line_.ends_with('\r')) return false;
    trailer_line_.pop_back();
    if (trailer_line_.empty()) {
        state_ = State::done;
        return true;
    }
    auto const colon = trailer_line_.find_first_of(": \t");
    bool const good = colon != std::string::npos && colon != 0 && trailer_line_[colon] == ':';
    trailer_line_.clear();
    return good;
}

void BodyReader::ended(bool cleanly)
{
    if (state_ != State::done) state_ = state_ == State::until_close && cleanly ? State::done : State::broken;
}

void put_body(std::string& out, Framing framing, std::string_view piece)
{
    if (piece.empty()) return;
    if (framing != Framing::chunked) {
        out.append(piece);
        return;
    }
    char digits[17];
    auto const [end, error] = std::to_chars(digits, digits + sizeof digits, piece.size(), 16);
    (void)error;  // seventeen are enough for any size
    out.append(digits, end) += "\r\n";
    out.append(piece) += "\r\n";
}

void put_body_end(std::string& out, Framing framing)
{
    if (framing == Framing::chunked) out += "0\r\n\r\n";
}

}  // namespace ocu::wire
