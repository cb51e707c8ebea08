// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/console.h"

#include <algorithm>
#include <chrono>

#include "console/clean.h"
#include "console/limits.h"
#include "base/printable.h"

namespace ocu::console {

namespace {

constexpr int kFarDown = 1 << 20;  // further than any page is long

}  // namespace

void Console::show(proto::ScreenState const& state, Monotonic now)
{
    state_ = clean(state);
    state_came_ = now;
}

void Console::add_line(std::string line)
{
    if (lines_.size() == kLinesKept) lines_.pop_front();
    lines_.push_back(printable(line));
}

void Console::ask(proto::ScreenQuestion const& question)
{
    question_ = Question{question.id, printable(question.title.view()), printable_lines(question.text.view())};
    scroll_of(Page::question) = 0;
    read_since_.reset();
    drawn_at_end_ = false;
    if (confirming_) return;  // whoever is typing there sees the question's name appear above
    word_.clear();
    notice_.clear();
    page_ = Page::question;
}

void Console::withdraw(std::uint32_t id)
{
    if (!question_ || question_->id != id) return;
    question_.reset();
    read_since_.reset();
    drawn_at_end_ = false;
    if (page_ == Page::question) go(Page::overview);
}

void Console::resize(int rows, int columns)
{
    look_.rows = std::clamp(rows, 1, kRowsMax);
    look_.columns = std::clamp(columns, 20, kColumnsMax);
    read_since_.reset();
    drawn_at_end_ = false;
    if (confirming_ && !fits()) stop_confirming("Nothing was done.");
}

bool Console::fits() const { return look_.rows >= kRowsMin && look_.columns >= kColumnsMin; }

proto::ScreenState Console::state_at(Monotonic now) const
{
    auto state = state_;
    auto const passed = std::chrono::duration_cast<std::chrono::seconds>(std::max(now - state_came_, Monotonic::duration{})).count();
    if (state.wall_clock > 0) state.wall_clock += passed;
    state.uptime_s += static_cast<std::uint64_t>(passed);
    return state;
}

void Console::go(Page page)
{
    if (page == Page::question && !question_) return;
    page_ = page;
    word_.clear();
    notice_.clear();
}

void Console::stop_confirming(std::string_view notice)
{
    confirming_.reset();
    word_.clear();
    if (question_) page_ = Page::question;  // it may have come meanwhile
    notice_ = notice;
}

void Console::step(int by)
{
    int const count = static_cast<int>(kPages) - (question_ ? 0 : 1);
    go(static_cast<Page>((static_cast<int>(page_) + by + count) % count));
}

void Console::scroll(Key const& key)
{
    int& at = scroll_of(page_);
    int const now = std::min(page_ == Page::log && following_log_ ? kFarDown : at, scroll_max_);
    int const leaf = std::max(page_rows_ - 1, 1);
    int wanted = now;
    switch (key.kind) {
    case KeyKind::up: wanted = now - 1; break;
    case KeyKind::down: wanted = now + 1; break;
    case KeyKind::page_up: wanted = now - leaf; break;
    case KeyKind::page_down: wanted = now + leaf; break;
    case KeyKind::home: wanted = 0; break;
    case KeyKind::end: wanted = scroll_max_; break;
    default: break;
    }
    at = std::clamp(wanted, 0, scroll_max_);
    if (page_ == Page::log) following_log_ = at == scroll_max_;
}

void Console::type(char c)
{
    // What is longer than any answer stays wrong until Enter or Backspace: it cannot become right by typing on.
    if (word_.size() < kWordBytesMax) word_ += c;
    notice_.clear();
}

Console::Outcome Console::letter(char c, Monotonic now)
{
    if (!fits()) return {};  // what is asked for would not be in view
    if (confirming_) {
        type(c);
        return {};
    }
    // Digits lead to pages everywhere: no answer has one.
    if (c >= '1' && c < '1' + static_cast<int>(kPages)) {
        go(static_cast<Page>(c - '1'));
        return {};
    }
    if (page_ == Page::question) {
        type(c);
        return {};
    }
    if (c == 's' || c == 'r') {
        confirming_ = c == 's' ? proto::Wish::shutdown : proto::Wish::restart;
        confirming_since_ = now;
        word_.clear();
        notice_.clear();
    }
    return {};
}

Console::Outcome Console::answer(Monotonic now)
{
    auto const word = std::exchange(word_, {});
    if (word == "no") {
        Outcome outcome{.answer = proto::ScreenAnswer{question_->id, false}};
        withdraw(question_->id);
        notice_ = "Answered no.";
        return outcome;
    }
    if (word != "yes") {
        if (!word.empty()) notice_ = "Neither yes nor no.";
        return {};
    }
    if (!read_since_) {
        notice_ = "Not yet: the end of the text first.";
        return {};
    }
    if (now - *read_since_ < kReadingTakes) {
        notice_ = "That was quick. Read it, then again.";
        return {};
    }
    Outcome outcome{.answer = proto::ScreenAnswer{question_->id, true}};
    withdraw(question_->id);
    notice_ = "Answered yes.";
    return outcome;
}

Console::Outcome Console::enter(Monotonic now)
{
    if (confirming_) {
        auto const wish = *std::exchange(confirming_, std::nullopt);
        if (std::exchange(word_, {}) != "yes") {
            stop_confirming("Nothing was done.");
            return {};
        }
        notice_ = wish == proto::Wish::shutdown ? "Shutdown is asked for." : "Restart is asked for.";
        return {.wish = proto::ScreenWish{wish}};
    }
    return page_ == Page::question && question_ ? answer(now) : Outcome{};
}

Console::Outcome Console::press(Key const& key, Monotonic now)
{
    if (confirming_) confirming_since_ = now;
    switch (key.kind) {
    case KeyKind::character: return letter(key.letter, now);
    case KeyKind::enter: return enter(now);
    case KeyKind::redraw: return {.redraw = true};
    case KeyKind::backspace:
        if (!word_.empty()) word_.pop_back();
        return {};
    case KeyKind::escape:
        if (!confirming_) return {.left = true};
        stop_confirming("Nothing was done.");
        return {};
    default: break;
    }
    if (confirming_) return {};
    switch (key.kind) {
    case KeyKind::tab:
    case KeyKind::right: step(1); break;
    case KeyKind::back_tab:
    case KeyKind::left: step(-1); break;
    case KeyKind::function:
        if (key.number <= static_cast<int>(kPages)) go(static_cast<Page>(key.number - 1));
        break;
    default: scroll(key); break;
    }
    return {};
}

void Console::tick(Monotonic now)
{
    if (!confirming_ || now - confirming_since_ < kConfirmationStands) return;
    stop_confirming("Nobody confirmed; nothing was done.");
}

Picture Console::picture(Monotonic now)
{
    Scene scene{.state = state_at(now),
        .lines = &lines_,
        .page = page_,
        .question = question(),
        .confirming = confirming_,
        .word = word_,
        .notice = notice_,
        .scroll = page_ == Page::log && following_log_ ? kFarDown : scroll_of(page_)};
    auto drawn = draw(scene, look_);
    scroll_max_ = drawn.scroll_max;
    page_rows_ = std::max(drawn.page_rows, 1);
    drawn_at_end_ = drawn.question_at_end;
    return std::move(drawn.picture);
}

void Console::seen(Monotonic now)
{
    if (drawn_at_end_ && !read_since_) read_since_ = now;
}

}  // namespace ocu::console
