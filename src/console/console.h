// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What is shown and what a key means: the pages, the question that stands, the confirmations. Rules (T-19):
//   - nothing happens by one key: shutdown, restart and every answer need a word and Enter, in view of what it is about;
//   - `yes` to a question counts only when the end of its text has been on the terminal for kReadingTakes, so that keys typed before it
//     came, or while the terminal hung, answer nothing;
//   - a question stands until it is answered or withdrawn, and the pages stay reachable meanwhile.
// Pure: time comes in. Threading: one thread.

#include <array>
#include <deque>
#include <optional>

#include "base/clock.h"
#include "console/draw.h"
#include "console/key_face.h"

namespace ocu::console {

class Console {
public:
    // What a key led to, at most one of them.
    struct Outcome {
        std::optional<proto::ScreenAnswer> answer{};
        std::optional<proto::ScreenWish> wish{};
        bool left = false;    // Esc with nothing open
        bool redraw = false;  // the picture on the terminal is not to be trusted
    };

    explicit Console(Look look) : look_(look) {}

    void show(proto::ScreenState const& state, Monotonic now);
    // Keeps the last kLinesKept.
    void add_line(std::string line);
    void ask(proto::ScreenQuestion const& question);
    void withdraw(std::uint32_t id);
    // Bounded by limits.h.
    void resize(int rows, int columns);

    Outcome press(Key const& key, Monotonic now);
    // A confirmation that nobody completes goes away.
    void tick(Monotonic now);

    Picture picture(Monotonic now);
    // The last picture() is on the terminal, all of it.
    void seen(Monotonic now);

    Look const& look() const { return look_; }
    Page page() const { return page_; }
    std::deque<std::string> const& lines() const { return lines_; }
    Question const* question() const { return question_ ? &*question_ : nullptr; }
    bool confirming() const { return confirming_.has_value(); }
    proto::ScreenState state_at(Monotonic now) const;

private:
    Outcome enter(Monotonic now);
    Outcome answer(Monotonic now);
    Outcome letter(char c, Monotonic now);
    void type(char c);
    void go(Page page);
    void stop_confirming(std::string_view notice);
    bool fits() const;
    void step(int by);
    void scroll(Key const& key);
    int& scroll_of(Page page) { return scroll_[static_cast<std::size_t>(page)]; }

    Look look_;
    proto::ScreenState state_;
    Monotonic state_came_{};
    std::deque<std::string> lines_;
    Page page_ = Page::overview;
    std::array<int, kPages> scroll_{};
    bool following_log_ = true;
    std::optional<Question> question_;
    std::optional<proto::Wish> confirming_;
    Monotonic confirming_since_{};
    std::string word_;
    std::string notice_;
    int scroll_max_ = 0;  // of the last picture
    int page_rows_ = 1;
    bool drawn_at_end_ = false;               // the last picture has the end of the question's text
    std::optional<Monotonic> read_since_;     // since when that end has been on the terminal
};

}  // namespace ocu::console
