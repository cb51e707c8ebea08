// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A terminal for tests: takes the bytes that a program sends to one and shows what a person would see. It knows what the console uses and
// nothing more; what it does not know it counts, and a test says that there was none.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace ocu::test {

class Terminal {
public:
    Terminal(int rows, int columns) : rows_(rows), columns_(columns), screen_(static_cast<std::size_t>(rows), blank()) {}

    void take(std::string_view bytes)
    {
        for (char const c : bytes) take(c);
    }
    // A row without the blanks at its end; box drawing as it was sent.
    std::string row(int number) const
    {
        std::string out;
        for (auto const& cell : screen_[static_cast<std::size_t>(number)]) out += cell;
        out.resize(out.find_last_not_of(' ') + 1);
        return out;
    }
    std::string all() const
    {
        std::string out;
        for (int number = 0; number < rows_; ++number) out += row(number) + "\n";
        return out;
    }
    bool shows(std::string_view text) const { return all().find(text) != std::string::npos; }
    int unknown() const { return unknown_; }           // sequences and control characters that it does not know
    bool asked_position() const { return asked_; }      // ESC [ 6 n came
    bool cursor_visible() const { return visible_; }
    std::size_t bytes() const { return bytes_; }

private:
    using Row = std::vector<std::string>;
    Row blank() const { return Row(static_cast<std::size_t>(columns_), " "); }

    void take(char c)
    {
        ++bytes_;
        if (!sequence_.empty()) {
            sequence_ += c;
            if (sequence_ == "\x1b[" || sequence_ == "\x1b%") return;
            if (sequence_[1] == '%' || (c >= '@' && c <= '~')) {
                act(sequence_);
                sequence_.clear();
            }
            return;
        }
        if (c == '\x1b')
            sequence_ = c;
        else if (c == '\r')
            column_ = 0;
        else if (c == '\n')
            line_feed();
        else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
            ++unknown_;
        else
            put(c);
    }
    void put(char c)
    {
        if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) {  // goes on with the character before it
            if (last_ != nullptr) *last_ += c;
            return;
        }
        if (column_ >= columns_) {
            if (!wraps_) column_ = columns_ - 1;
            else {
                column_ = 0;
                line_feed();
            }
        }
        last_ = &screen_[static_cast<std::size_t>(row_)][static_cast<std::size_t>(column_++)];
        *last_ = c;
    }
    void line_feed()
    {
        last_ = nullptr;
        if (++row_ < rows_) return;
        screen_.erase(screen_.begin());
        screen_.push_back(blank());
        row_ = rows_ - 1;
    }
    void act(std::string_view text)
    {
        auto const inner = text.substr(2, text.size() - 3);
        char const final = text.back();
        if (text == "\x1b%G" || text == "\x1b[9;0]" || text == "\x1b[14;0]") return;
        if (final == 'm') return;
        if (final == 'H') {
            auto const semicolon = inner.find(';');
            row_ = std::clamp(std::stoi(std::string(inner.substr(0, semicolon))), 1, rows_) - 1;
            column_ = std::clamp(std::stoi(std::string(inner.substr(semicolon + 1))), 1, columns_) - 1;
        } else if (text == "\x1b[2J") {
            std::ranges::fill(screen_, blank());
        } else if (text == "\x1b[?25l" || text == "\x1b[?25h") {
            visible_ = final == 'h';
        } else if (text == "\x1b[?7l" || text == "\x1b[?7h") {
            wraps_ = final == 'h';
        } else if (text == "\x1b[6n") {
            asked_ = true;
        } else {
            ++unknown_;
        }
    }

    int rows_;
    int columns_;
    std::vector<Row> screen_;
    std::string sequence_;
    std::string* last_ = nullptr;
    int row_ = 0;
    int column_ = 0;
    int unknown_ = 0;
    bool visible_ = true;
    bool wraps_ = true;
    bool asked_ = false;
    std::size_t bytes_ = 0;
};

}  // namespace ocu::test
