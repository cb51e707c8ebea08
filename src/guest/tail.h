// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The last bytes of a stream whose middle is dropped.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace ocu::guest {

class Tail {
public:
    explicit Tail(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    void append(std::string_view bytes)
    {
        // Twice the size before it is cut back: a cut costs a move, and there must not be one for each read.
        if (bytes.size() >= bytes_max_) {
            text_.assign(bytes.substr(bytes.size() - bytes_max_));
            return;
        }
        text_.append(bytes);
        if (text_.size() > 2 * bytes_max_) text_.erase(0, text_.size() - bytes_max_);
    }
    std::string_view view() const { return std::string_view(text_).substr(text_.size() - std::min(text_.size(), bytes_max_)); }

private:
    std::size_t bytes_max_;
    std::string text_;
};

}  // namespace ocu::guest
