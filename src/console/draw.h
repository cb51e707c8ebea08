// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One picture of the console: a bar with name, state and time; the pages' names; the warnings; the page, scrolled; the keys. Pure.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "console/picture.h"
#include "console/theme.h"
#include "proto/init_to_screen.h"

namespace ocu::console {

// In the order of the keys 1 to 5. `question` can be gone to only while one stands.
enum class Page : std::uint8_t { overview, network, log, help, question, kLast = question };
inline constexpr std::size_t kPages = static_cast<std::size_t>(Page::kLast) + 1;

struct Look {
    int rows;
    int columns;
    Colours colours;
    Glyphs glyphs;
    proto::ScreenKind kind;
};

// A question as it stands. Texts are printable.
struct Question {
    std::uint32_t id = 0;
    std::string title;
    std::string text;
};

struct Scene {
    proto::ScreenState state;  // its clocks as of now; printable
    std::deque<std::string> const* lines = nullptr;
    Page page{};
    Question const* question = nullptr;     // none: null
    std::optional<proto::Wish> confirming;  // stands in front of every page
    std::string word;                       // typed so far of an answer
    std::string notice;                     // one line for the person at the keyboard; empty: none
    int scroll = 0;                         // rows of the page above the first that is shown; more than there are means the end
};

struct Drawn {
    Picture picture;
    int scroll_max = 0;           // of this page on this terminal
    int page_rows = 0;            // how many rows of the page are seen at a time
    bool question_at_end = false;  // the last row of the question's text is in the picture
};

Drawn draw(Scene const& scene, Look const& look);

}  // namespace ocu::console
