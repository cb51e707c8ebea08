// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What each page says, as elements of a given width. A page of the full console is one more function here and one more line in
// draw.cpp. All texts are printable already. Pure.

#include <ftxui/dom/elements.hpp>

#include "console/theme.h"
#include "proto/init_to_screen.h"

namespace ocu::console {

// The state with the two clocks moved on to now.
ftxui::Element overview_page(proto::ScreenState const& state, Theme const& theme, int columns);
ftxui::Element network_page(proto::ScreenState const& state, Theme const& theme, int columns);
ftxui::Element help_page(Theme const& theme, proto::ScreenKind kind, int columns);
// What a shutdown or restart means right now, and how to say yes to it. `word`: what has been typed of the answer.
ftxui::Element confirmation(proto::Wish wish, proto::ScreenState const& state, std::string const& word, Theme const& theme, int columns);
// For a terminal that no page fits in: that, and what matters most.
ftxui::Element too_small_page(proto::ScreenState const& state, Theme const& theme, int rows, int columns);

// Rows of text, one element each.
ftxui::Element text_rows(std::vector<std::string> const& rows);

}  // namespace ocu::console
