// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One terminal's conversation: bytes of its keyboard in, bytes for it out. tty1 is always the console; a serial line is plain log lines
// until somebody presses Enter, and again after Esc or five minutes without a key.
//
// Output is made when it is wanted: the owner asks for more only when the last has gone, so a terminal that is slow or hangs costs one
// picture or kOutputBytesMax of memory, and what it shows next is what is true then. Pure but for the clock. Threading: one thread.

#include <functional>
#include <span>
#include <string>

#include "base/clock.h"
#include "console/console.h"

namespace ocu::console {

class Session {
public:
    struct Events {
        std::function<void(proto::ScreenAnswer const&)> on_answer;
        std::function<void(proto::ScreenWish const&)> on_wish;
    };

    Session(proto::ScreenConfig const& config, Clock const& clock, Events events);

    void show(proto::ScreenState const& state);
    void line(proto::ScreenLine const& line);
    void ask(proto::ScreenQuestion const& question);
    void withdraw(std::uint32_t id);
    void resize(proto::ScreenSize const& size);
    void keyboard(std::span<std::byte const> bytes);
    // Call after kKeyWait when keys_pending(), and every kTick.
    void tick();
    bool keys_pending() const { return keys_.waiting(); }

    // The next bytes for the terminal; empty when there are none, or none yet: held_back(). Call only after the last ones have
    // gone and written() was called.
    std::string output();
    void written();
    // A picture was due too soon after the last: ask again after kFramesApart.
    bool held_back() const { return held_back_; }

private:
    enum class Mode : std::uint8_t { lines, console };

    void press(Key const& key);
    void open();
    void close();
    void measured(Key const& key);
    std::string line_output();
    std::string console_output();
    void print_question(std::string& out);

    Clock const& clock_;
    Events events_;
    proto::ScreenKind kind_;
    bool size_known_;
    Console console_;
    KeyReader keys_;
    Monotonic key_came_{};
    Mode mode_;
    bool begun_ = false;            // the terminal has been set up
    bool closing_ = false;          // a picture is to be left before the next line
    bool measuring_ = false;        // the terminal has been asked for its size
    std::uint64_t lines_came_ = 0;
    std::uint64_t lines_printed_ = 0;
    bool question_printed_ = true;
    bool held_back_ = false;
    bool picture_going_ = false;    // the last output was a picture
    std::optional<Picture> shown_;  // what the terminal shows when that has gone
    Monotonic drawn_{};
    Monotonic drawn_whole_{};
};

}  // namespace ocu::console
