// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a terminal shows, as cells, and the bytes that turn one such picture into the next. Only what differs is sent, so that a second's
// change costs a serial line a few bytes and nothing flickers. Knows nothing of pages. Pure.

#include <string>
#include <vector>

namespace ocu::console {

enum class Glyphs : std::uint8_t { box_drawing, ascii };

// One column of a row. `style`: the parameters of the terminal's "select graphic rendition", "" for plain.
struct Cell {
    std::string glyph = " ";
    std::string style;
    bool operator==(Cell const&) const = default;
};

class Picture {
public:
    // `rows` and `columns` > 0; all blank.
    Picture(int rows, int columns);

    int rows() const { return rows_; }
    int columns() const { return columns_; }
    Cell& at(int row, int column) { return cells_[index(row, column)]; }
    Cell const& at(int row, int column) const { return cells_[index(row, column)]; }
    // A row's characters without style and without blanks at its end: for tests and for people.
    std::string text(int row) const;
    bool operator==(Picture const&) const = default;

private:
    std::size_t index(int row, int column) const;
    int rows_;
    int columns_;
    std::vector<Cell> cells_;
};

// Box drawing as the kernel's own font has it, or the nearest ASCII.
std::string glyph_for(Glyphs glyphs, std::string const& glyph);

// All of it, on a terminal in any state. The cursor is hidden. `over_what_is_there`: every cell anew without clearing first, which does not
// flicker; otherwise the terminal is cleared and blanks at the ends of rows are not sent, which is shorter.
enum class Ground : std::uint8_t { cleared, over_what_is_there };
std::string whole(Picture const& picture, Ground ground);
// From one that is shown to the next of the same size: for each row that differs, its cells from the first to the last difference.
std::string difference(Picture const& shown, Picture const& next);
// Gives the terminal back: plain style, the cursor visible on a fresh line at the end of a picture of that many rows.
std::string closing(int rows);

}  // namespace ocu::console
