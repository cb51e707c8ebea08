// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/picture.h"

#include <array>
#include <format>
#include <string_view>

#include "base/assert.h"

namespace ocu::console {

namespace {

// Appends cells [first, last] of a row, changing the style only where it changes.
void draw_cells(Picture const& picture, int row, int first, int last, std::string& out)
{
    out += std::format("\x1b[{};{}H", row + 1, first + 1);
    std::string_view style;
    for (int column = first; column <= last; ++column) {
        Cell const& cell = picture.at(row, column);
        if (cell.style != style) {
            out += cell.style.empty() ? std::string("\x1b[0m") : std::format("\x1b[0;{}m", cell.style);
            style = cell.style;
        }
        out += cell.glyph;
    }
    if (!style.empty()) out += "\x1b[0m";
}

}  // namespace

Picture::Picture(int rows, int columns) : rows_(rows), columns_(columns)
{
    OCU_ASSERT(rows > 0 && columns > 0);
    cells_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
}

std::size_t Picture::index(int row, int column) const
{
    OCU_ASSERT(row >= 0 && row < rows_ && column >= 0 && column < columns_);
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(column);
}

std::string Picture::text(int row) const
{
    std::string out;
    for (int column = 0; column < columns_; ++column) out += at(row, column).glyph;
    out.resize(out.find_last_not_of(' ') + 1);
    return out;
}

std::string glyph_for(Glyphs glyphs, std::string const& glyph)
{
    // What is not known to be one column wide must not shift a row. FTXUI's round corners are not in the kernel's font.
    if (glyph.size() == 1 && glyph[0] >= ' ' && glyph[0] <= '~') return glyph;
    struct Row {
        std::string_view drawn, box, plain;
    };
    constexpr std::array kRows{Row{"─", "─", "-"}, Row{"│", "│", "|"}, Row{"╭", "┌", "+"}, Row{"╮", "┐", "+"}, Row{"╰", "└", "+"},
        Row{"╯", "┘", "+"}, Row{"├", "├", "+"}, Row{"┤", "┤", "+"}, Row{"┬", "┬", "+"}, Row{"┴", "┴", "+"}, Row{"┼", "┼", "+"}};
    for (auto const& [drawn, box, plain] : kRows)
        if (glyph == drawn) return std::string(glyphs == Glyphs::box_drawing ? box : plain);
    return glyph.empty() ? " " : "?";
}

std::string whole(Picture const& picture, Ground ground)
{
    // Plain style, no cursor, no wrapping at the last column.
    std::string out = "\x1b[0m\x1b[?25l\x1b[?7l";
    if (ground == Ground::cleared) out += "\x1b[2J";
    for (int row = 0; row < picture.rows(); ++row) {
        int last = picture.columns() - 1;
        while (ground == Ground::cleared && last >= 0 && picture.at(row, last) == Cell{}) --last;
        if (last >= 0) draw_cells(picture, row, 0, last, out);
    }
    return out;
}

std::string difference(Picture const& shown, Picture const& next)
{
    OCU_ASSERT(shown.rows() == next.rows() && shown.columns() == next.columns());
    std::string out;
    for (int row = 0; row < next.rows(); ++row) {
        int first = 0;
        int last = next.columns() - 1;
        while (first <= last && shown.at(row, first) == next.at(row, first)) ++first;
        while (last >= first && shown.at(row, last) == next.at(row, last)) --last;
        if (first <= last) draw_cells(next, row, first, last, out);
    }
    return out;
}

std::string closing(int rows) { return std::format("\x1b[0m\x1b[{};1H\x1b[?7h\x1b[?25h\r\n", rows); }

}  // namespace ocu::console
