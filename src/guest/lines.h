// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Numbers the lines of a text as it streams by, within a range and a budget. No system calls; memory is the budget.

#include <cstdint>
#include <string>
#include <string_view>

namespace ocu::guest {

class NumberedLines {
public:
    // Lines first..last, 1-based; last = -1: to the end.
    NumberedLines(std::int64_t first, std::int64_t last, std::size_t chars_max)
        : first_(first), last_(last), chars_left_(chars_max), bytes_left_(4 * chars_max)
    {}

    // False when what follows cannot change the result any more.
    bool feed(std::string_view bytes);

    std::string const& text() const { return text_; }
    // How many lines have begun; the file's count if all of it was fed.
    std::int64_t lines_seen() const { return line_ - (at_line_start_ ? 1 : 0); }
    // The line within which the budget ended; 0: it did not.
    std::int64_t cut_in_line() const { return cut_in_line_; }

private:
    bool put(char byte);
    bool begin_line();
    void skip_to_first(std::string_view& bytes);

    std::int64_t first_;
    std::int64_t last_;
    std::size_t chars_left_;
    std::size_t bytes_left_;  // bytes that are no characters must not make the budget endless
    std::string text_;
    std::int64_t line_ = 1;
    bool at_line_start_ = true;
    std::int64_t cut_in_line_ = 0;
};

}  // namespace ocu::guest
