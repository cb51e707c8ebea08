// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/session.h"

#include <algorithm>
#include <format>

#include "console/limits.h"
#include "base/printable.h"

namespace ocu::console {

namespace {

// UTF-8; neither blank the screen nor switch the monitor off: a console that is dark at 3 a.m. helps nobody. The Linux console's own.
constexpr std::string_view kSetUp = "\x1b%G\x1b[9;0]\x1b[14;0]";
// Where the cursor ends up when it is sent too far is how large the terminal is.
constexpr std::string_view kMeasure = "\x1b[999;999H\x1b[6n";

Look look_of(proto::ScreenConfig const& config)
{
    bool const line = config.kind == proto::ScreenKind::line;
    return {.rows = kRowsMin,
        .columns = kColumnsMin,
        .colours = config.colours ? Colours::sixteen : Colours::none,
        .glyphs = line ? Glyphs::ascii : Glyphs::box_drawing,
        .kind = config.kind};
}

}  // namespace

Session::Session(proto::ScreenConfig const& config, Clock const& clock, Events events)
    : clock_(clock), events_(std::move(events)), kind_(config.kind), size_known_(config.rows > 0 && config.columns > 0),
      console_(look_of(config)), key_came_(clock.now()), mode_(config.kind == proto::ScreenKind::picture ? Mode::console : Mode::lines)
{
    if (size_known_) console_.resize(config.rows, config.columns);
}

void Session::show(proto::ScreenState const& state) { console_.show(state, clock_.now()); }

void Session::line(proto::ScreenLine const& line)
{
    bool const all_printed = lines_printed_ == lines_came_;
    console_.add_line(line.text.str());
    ++lines_came_;
    if (line.old && all_printed) lines_printed_ = lines_came_;
}

void Session::ask(proto::ScreenQuestion const& question)
{
    console_.ask(question);
    question_printed_ = false;
}

void Session::withdraw(std::uint32_t id) { console_.withdraw(id); }

void Session::resize(proto::ScreenSize const& size)
{
    if (size.rows == 0 || size.columns == 0) return;
    size_known_ = true;
    console_.resize(size.rows, size.columns);
}

void Session::open()
{
    mode_ = Mode::console;
    shown_.reset();
    measuring_ = !size_known_;
}

void Session::close()
{
    if (kind_ != proto::ScreenKind::line || mode_ == Mode::lines) return;
    mode_ = Mode::lines;
    closing_ = true;
    measuring_ = false;
    // The question is on the terminal's history no more: say again that it waits.
    question_printed_ = console_.question() == nullptr;
}

void Session::measured(Key const& key)
{
    // The terminal's word for its own size, once for each time it was asked, and bounded like any other.
    if (!std::exchange(measuring_, false)) return;
    if (key.row >= kRowsMin / 2 && key.column >= kColumnsMin / 2) console_.resize(key.row, key.column);
    shown_.reset();
}

void Session::press(Key const& key)
{
    if (key.kind == KeyKind::position) return measured(key);
    key_came_ = clock_.now();
    if (mode_ == Mode::lines) {
        if (key.kind == KeyKind::enter) open();
        return;
    }
    auto const outcome = console_.press(key, clock_.now());
    if (outcome.answer) events_.on_answer(*outcome.answer);
    if (outcome.wish) events_.on_wish(*outcome.wish);
    if (outcome.redraw) shown_.reset();
    if (outcome.left) close();
}

void Session::keyboard(std::span<std::byte const> bytes)
{
    for (auto const& key : keys_.read(bytes)) press(key);
}

void Session::tick()
{
    auto const now = clock_.now();
    // Called more often than kKeyWait at times: then an Esc that comes with its sequence in two pieces is two keys, which harms nothing.
    if (auto const key = keys_.timed_out()) press(*key);
    console_.tick(now);
    if (now - key_came_ >= kBackToLinesAfter) close();
}

void Session::print_question(std::string& out)
{
    question_printed_ = true;
    auto const* const question = console_.question();
    if (question == nullptr) return;
    out += std::format("ocu: QUESTION: {}\r\n", question->title);
    auto const rows = wrapped(question->text, kColumnsMin - 8);
    auto const shown = std::min(rows.size(), kQuestionLinesPlain);
    for (std::size_t i = 0; i < shown; ++i) out += std::format("ocu:   {}\r\n", rows[i]);
    if (shown < rows.size()) out += std::format("ocu:   ({} more lines in the console)\r\n", rows.size() - shown);
    out += "ocu: Press Enter to open the console and answer.\r\n";
}

std::string Session::line_output()
{
    std::string out;
    held_back_ = false;
    if (std::exchange(closing_, false)) out += closing(console_.look().rows);
    auto const& kept = console_.lines();
    auto const first = lines_came_ - kept.size();
    if (lines_printed_ < first) {
        out += std::format("ocu: ({} lines are left out here)\r\n", first - lines_printed_);
        lines_printed_ = first;
    }
    while (lines_printed_ < lines_came_ && out.size() < kOutputBytesMax)
        out += std::format("ocu: {}\r\n", kept[static_cast<std::size_t>(lines_printed_++ - first)]);
    if (lines_printed_ == lines_came_ && !question_printed_) print_question(out);
    return out;
}

std::string Session::console_output()
{
    auto const now = clock_.now();
    held_back_ = shown_ && now - drawn_ < kFramesApart;
    if (held_back_) return {};
    std::string out;
    if (kind_ == proto::ScreenKind::picture) {
        if (!std::exchange(begun_, true)) out += kSetUp;
    }
    if (!shown_ && measuring_) out += kMeasure;
    auto next = console_.picture(now);
    // Now and then all of it, quietly over what is there: it repairs what the kernel has written onto tty1 in between.
    bool const repair = kind_ == proto::ScreenKind::picture && now - drawn_whole_ >= kRedrawEvery;
    bool const anew = !shown_ || shown_->rows() != next.rows() || shown_->columns() != next.columns();
    out += anew ? whole(next, Ground::cleared) : repair ? whole(next, Ground::over_what_is_there) : difference(*shown_, next);
    if (anew || repair) drawn_whole_ = now;
    drawn_ = now;
    shown_ = std::move(next);
    picture_going_ = !out.empty();
    if (out.empty()) console_.seen(now);  // it is there already
    return out;
}

std::string Session::output() { return mode_ == Mode::lines ? line_output() : console_output(); }

void Session::written()
{
    if (std::exchange(picture_going_, false)) console_.seen(clock_.now());
}

}  // namespace ocu::console
