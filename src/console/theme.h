// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How things look, in the sixteen colours of the Linux console or in none: then reverse video and bold say it, and words always say it too.

#include <ftxui/dom/elements.hpp>

namespace ocu::console {

enum class Colours : std::uint8_t { none, sixteen };

class Theme {
public:
    explicit Theme(Colours colours) : colours_(colours == Colours::sixteen) {}

    ftxui::Decorator bar() const { return colours_ ? on(ftxui::Color::White, ftxui::Color::Blue) : ftxui::inverted; }
    ftxui::Decorator keys() const { return colours_ ? on(ftxui::Color::Black, ftxui::Color::Cyan) : ftxui::inverted; }
    ftxui::Decorator alarm() const { return colours_ ? on(ftxui::Color::White, ftxui::Color::Red) | ftxui::bold : reversed() | ftxui::bold; }
    ftxui::Decorator asking() const { return colours_ ? on(ftxui::Color::White, ftxui::Color::Magenta) | ftxui::bold : reversed() | ftxui::bold; }
    ftxui::Decorator chosen() const { return colours_ ? on(ftxui::Color::Black, ftxui::Color::GrayLight) : ftxui::inverted; }
    ftxui::Decorator frame() const { return colours_ ? ftxui::color(ftxui::Color::Cyan) : ftxui::nothing; }
    ftxui::Decorator title() const { return colours_ ? ftxui::color(ftxui::Color::CyanLight) : ftxui::bold; }
    ftxui::Decorator label() const { return colours_ ? ftxui::color(ftxui::Color::Cyan) : ftxui::nothing; }
    ftxui::Decorator value() const { return colours_ ? ftxui::color(ftxui::Color::White) : ftxui::nothing; }
    ftxui::Decorator good() const { return colours_ ? ftxui::color(ftxui::Color::GreenLight) : ftxui::bold; }
    ftxui::Decorator warn() const { return colours_ ? ftxui::color(ftxui::Color::YellowLight) : ftxui::bold; }
    ftxui::Decorator bad() const { return colours_ ? ftxui::color(ftxui::Color::RedLight) : ftxui::bold; }

private:
    static ftxui::Decorator reversed() { return ftxui::inverted; }
    static ftxui::Decorator on(ftxui::Color letters, ftxui::Color ground) { return ftxui::color(letters) | ftxui::bgcolor(ground); }
    bool colours_;
};

}  // namespace ocu::console
