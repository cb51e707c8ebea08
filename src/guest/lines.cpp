// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/lines.h"

#include <cstdio>
#include <cstring>

namespace ocu::guest {

bool NumberedLines::put(char byte)
{
    bool const starts_character = (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
    if (bytes_left_ == 0 || (starts_character && chars_left_ == 0)) {
        cut_in_line_ = line_;
        return false;
    }
    --bytes_left_;
    if (starts_character) --chars_left_;
    text_ += byte;
    return true;
}

bool NumberedLines::begin_line()
{
    char number[32];
    int const size = std::snprintf(number, sizeof number, "%6lld\t", static_cast<long long>(line_));
    if (!text_.empty() && !put('\n')) return false;
    if (chars_left_ <= static_cast<std::size_t>(size)) {  // a number without a character of its line says nothing
        cut_in_line_ = line_;
        return false;
    }
    for (int i = 0; i < size; ++i)
        if (!put(number[i])) return false;
    return true;
}

void NumberedLines::skip_to_first(std::string_view& bytes)
{
    while (line_ < first_ && !bytes.empty()) {
        auto const* const newline = static_cast<char const*>(std::memchr(bytes.data(), '\n', bytes.size()));
        at_line_start_ = newline != nullptr;
        if (newline == nullptr) {
            bytes = {};
            return;
        }
        ++line_;
        bytes.remove_prefix(static_cast<std::size_t>(newline - bytes.data()) + 1);
    }
}

bool NumberedLines::feed(std::string_view bytes)
{
    skip_to_first(bytes);
    for (char const byte : bytes) {
        if (cut_in_line_ != 0 || (last_ >= 0 && line_ > last_)) return false;
        if (at_line_start_ && !begin_line()) return false;
        at_line_start_ = byte == '\n';
        if (at_line_start_) {
            ++line_;
        } else if (!put(byte)) {
            return false;
        }
    }
    return last_ < 0 || line_ <= last_;
}

}  // namespace ocu::guest
