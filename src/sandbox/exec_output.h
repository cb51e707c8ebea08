// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What is kept of a stream without end: its first and last 15,000 characters, the number of those between, and the last line for
// progress. Memory does not grow with the stream (SX-5). A character is a byte that is no UTF-8 continuation: lenient, because the bytes
// are a guest's (T-07); the number of bytes is bounded besides.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "proto/tool.h"

namespace ocu::sandbox {

class ExecOutput {
public:
    static constexpr std::size_t kHeadCharsMax = proto::kAnswerTextCharsMax / 2;
    static constexpr std::size_t kTailCharsMax = proto::kAnswerTextCharsMax / 2;

    void append(std::string_view bytes);
    // Bytes that never arrived come here, between what was and what will be appended.
    void gap() { gap_ = true; }

    bool empty() const { return head_.empty(); }
    // All of it, or head, notice, tail. `written_bytes`: what the guest says it wrote.
    std::string text(std::uint64_t written_bytes) const;
    // The last line that is not blank, at most proto::kLastLineBytesMax bytes, cut between characters.
    std::string last_line() const;

private:
    void append_line(std::string_view bytes);

    std::string head_;
    std::size_t head_chars_ = 0;
    std::string tail_;             // at most twice its bound, cut back in steps
    std::uint64_t tail_chars_ = 0; // that ever entered the tail
    bool tail_cut_ = false;
    bool gap_ = false;
    std::string line_;             // being written
    std::string line_before_;      // the last complete one that is not blank
};

}  // namespace ocu::sandbox
