// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The screens of the machine: tty1 and the serial line, each served by a `screen` helper that is started again when it dies. This class
// sends them what is and asks what must be asked; a question stands on all screens, and the first answer counts.
// Threading: the loop's thread only.

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "proto/init_to_screen.h"
#include "wire/loop.h"

namespace ocu::init {

class Screens {
public:
    struct Events {
        std::function<void(proto::Wish)> on_wish;  // called from a screen's link: let it not destroy this object
    };

    Screens(wire::Loop& loop, Clock const& clock, Events events);
    ~Screens();

    // Opens a terminal ("/dev/tty1") and starts its helper. One that is not there is left out with a log line.
    void add(std::string const& terminal, proto::ScreenKind kind);

    // Sent to all screens now, and to one that is started later. Cheap to call often: nothing is sent when nothing changed but the clock,
    // more than once a second.
    void show(proto::ScreenState state);
    // A line of the machine's log: printed on serial lines, kept (the last 200) for the log page.
    void log(std::string_view line);
    // Replaces an earlier question. Answers once, unless withdrawn or replaced. Lines of `text` end with a line feed; a text of more than
    // proto::kQuestionBytesMax, which nobody could be shown whole, is answered no from the loop.
    void ask(std::string title, std::string text, std::function<void(bool yes)> answered);
    void withdraw();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ocu::init
