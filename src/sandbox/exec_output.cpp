// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_output.h"

#include <algorithm>

#include "sandbox/exec_text.h"

namespace ocu::sandbox {

namespace {

constexpr std::size_t kHeadBytesMax = 4 * ExecOutput::kHeadCharsMax;
constexpr std::size_t kTailBytesMax = 4 * ExecOutput::kTailCharsMax;

}  // namespace

void ExecOutput::append(std::string_view bytes)
{
    append_line(bytes);
    std::size_t taken = 0;
    // The head takes a character's continuation bytes even when it is full of characters: it must not end within one.
    for (; tail_.empty() && !gap_ && taken < bytes.size() && head_.size() + taken < kHeadBytesMax; ++taken) {
        if (continues_character(bytes[taken])) continue;
        if (head_chars_ == kHeadCharsMax) break;
        ++head_chars_;
    }
    head_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (bytes.empty()) return;
    tail_chars_ += count_characters(bytes);
    tail_.append(bytes);
    if (tail_.size() <= 2 * kTailBytesMax) return;
    tail_.erase(0, tail_.size() - kTailBytesMax);
    tail_cut_ = true;
}

void ExecOutput::append_line(std::string_view bytes)
{
    // A carriage return starts a line over: what a progress bar shows last is what counts.
    while (!bytes.empty()) {
        auto const end = bytes.find_first_of("\r\n");
        auto const part = bytes.substr(0, end);
        if (line_.size() < 2 * proto::kLastLineBytesMax) line_.append(part.substr(0, 2 * proto::kLastLineBytesMax - line_.size()));
        if (end == std::string_view::npos) return;
        if (line_.find_first_not_of(" \t") != std::string::npos) line_before_ = std::move(line_);
        line_.clear();
        bytes.remove_prefix(end + 1);
    }
}

std::string ExecOutput::last_line() const
{
    bool const blank = line_.find_first_not_of(" \t") == std::string::npos;
    return std::string(first_bytes(blank ? line_before_ : line_, proto::kLastLineBytesMax));
}

std::string ExecOutput::text(std::uint64_t written_bytes) const
{
    bool const whole = !gap_ && !tail_cut_ && head_chars_ + tail_chars_ <= kHeadCharsMax + kTailCharsMax && tail_.size() <= kTailBytesMax;
    if (whole) return head_ + tail_;
    auto const tail = last_characters(tail_, kTailCharsMax);
    std::uint64_t const left_out = tail_chars_ - std::min<std::uint64_t>(tail_chars_, count_characters(tail));
    std::string notice = "\n\n[... ";
    if (gap_ || left_out == 0) {  // of what is no text, bytes are counted
        std::uint64_t const kept_bytes = head_.size() + tail.size();
        notice += std::to_string(written_bytes - std::min(written_bytes, kept_bytes)) + " bytes";
    } else {
        notice += std::to_string(left_out) + " characters";
    }
    notice += " left out here: an answer holds 30,000 characters. Redirect to a file and read parts of it ...]\n\n";
    return head_ + notice + std::string(tail);
}

}  // namespace ocu::sandbox
