// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Texts from elsewhere, made harmless for a terminal and for the person who reads it: printable ASCII stays, and everything else is
// written out as what it is, so no control character, escape sequence, reversed writing or look-alike letter reaches the screen (T-19).
// Pure; used on both sides of the link.

#include <string>
#include <string_view>
#include <vector>

namespace ocu {

// One line. A character beyond ASCII becomes `\u{e9}`, a byte that is no valid UTF-8 (overlong forms and surrogates are none) or a
// control character `\x1b`. At most six bytes come of one byte.
std::string printable(std::string_view text);
// Lines stay lines (CR LF is one end of line), a tab becomes spaces; otherwise as printable().
std::string printable_lines(std::string_view text);
// Printable text cut into rows of at most `columns` > 0: at its ends of line, then at spaces, and within a word only when it is longer than
// a row. Leading spaces of a line are kept. Never empty: no text is one empty row.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

}  // namespace ocu
