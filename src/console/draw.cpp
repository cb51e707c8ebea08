// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/draw.h"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>

#include "console/limits.h"
#include "console/pages.h"
#include "base/printable.h"
#include "console/words.h"

namespace ocu::console {

using namespace ftxui;

namespace {

constexpr std::array<std::string_view, kPages> kPageNames{"Overview", "Network", "Log", "Help", "QUESTION"};

// The sum of an element's rows when it is as wide as the picture.
int rows_of(Element const& element)
{
    element->ComputeRequirement();
    return element->requirement().min_y;
}

std::string style_of(Pixel const& pixel)
{
    std::string style;
    auto const add = [&style](std::string const& code) { style += (style.empty() ? "" : ";") + code; };
    if (pixel.bold) add("1");
    if (pixel.inverted) add("7");
    if (pixel.foreground_color != Color::Default) add(pixel.foreground_color.Print(false));
    if (pixel.background_color != Color::Default) add(pixel.background_color.Print(true));
    return style;
}

// Draws `element` on a canvas of its own and copies `count` of its rows, from `from` on, into the picture at `row`.
void place(Element const& element, int canvas_rows, int from, int count, Picture& picture, int row, Glyphs glyphs)
{
    ftxui::Screen canvas(picture.columns(), std::max(canvas_rows, 1));
    ftxui::Render(canvas, element);
    for (int i = 0; i < count && from + i < canvas.dimy() && row + i < picture.rows(); ++i) {
        for (int column = 0; column < picture.columns(); ++column) {
            Pixel const& pixel = canvas.PixelAt(column, from + i);
            picture.at(row + i, column) = {glyph_for(glyphs, pixel.character), style_of(pixel)};
        }
    }
}

Element top_bar(Scene const& scene, Theme const& theme)
{
    auto const& state = scene.state;
    using proto::MachinePhase;
    auto const look = state.phase == MachinePhase::failed ? theme.alarm() : theme.bar();
    auto const name = state.name.empty() ? std::string("ocu-appliance") : state.name.str();
    return hbox({text(" " + name + " "), text(" " + std::string(short_word(state.phase)) + " ") | bold, filler(),
               text(time_words(state.wall_clock) + " ")}) |
           look;
}

Element page_names(Scene const& scene, Theme const& theme)
{
    Elements names;
    for (std::size_t i = 0; i < kPages; ++i) {
        auto const page = static_cast<Page>(i);
        if (page == Page::question && scene.question == nullptr) continue;
        auto name = text(std::format(" {} {} ", i + 1, kPageNames[i]));
        if (page == scene.page && !scene.confirming)
            name |= theme.chosen();
        else
            name |= page == Page::question ? theme.asking() : theme.value();
        names.push_back(std::move(name));
    }
    auto const count = scene.state.warnings.items().size();
    names.push_back(filler());
    if (count > 0) names.push_back(text(std::format(" {} WARNING{} ", count, count == 1 ? "" : "S")) | theme.alarm());
    return hbox(std::move(names));
}

Element one_line(std::string const& words, int columns)
{
    auto line = " " + words;
    line.resize(static_cast<std::size_t>(columns), ' ');
    return text(line);
}

// Over the page: what the machine is about, and on the first page every warning in full.
Element heading(Scene const& scene, Look const& look, Theme const& theme)
{
    Elements rows{top_bar(scene, theme), page_names(scene, theme)};
    if (scene.page == Page::overview && !scene.confirming) {
        for (auto const& warning : scene.state.warnings.items()) {
            std::string_view mark = "! ";
            for (auto const& row : wrapped(warning.view(), static_cast<std::size_t>(look.columns - 4)))
                rows.push_back(one_line(std::string(std::exchange(mark, "  ")) + row, look.columns) | theme.alarm());
        }
        auto const phase = scene.state.phase;
        auto const colour = phase == proto::MachinePhase::serving  ? theme.good()
                            : phase == proto::MachinePhase::failed ? theme.bad()
                                                                   : theme.warn();
        rows.push_back(one_line(std::string(sentence(phase)), look.columns) | colour);
    }
    return vbox(std::move(rows));
}

Element key_bar(Scene const& scene, Look const& look, Theme const& theme, int scroll, int scroll_max)
{
    std::string left = " 1-4 pages   Up/Down scroll   s shut down   r restart";
    if (look.kind == proto::ScreenKind::line) left += "   Esc log lines";
    if (scene.page == Page::question) left = " 1-4 pages   PgUp/PgDn scroll   type yes or no, then Enter";
    if (scene.confirming) left = " Esc no";
    auto const where = scroll_max == 0 ? std::string() : scroll < scroll_max ? std::string(" MORE BELOW ") : std::string(" end ");
    return hbox({text(left) | theme.keys(), filler() | theme.keys(), text(where) | (scroll < scroll_max ? theme.asking() : theme.keys())});
}

Element question_foot(Scene const& scene, Look const& look, Theme const& theme, bool at_end)
{
    auto const hint = at_end ? "Type yes or no and press Enter: " : "Read on with PgDn; yes counts after the end.  Answer: ";
    auto const used = std::string_view(hint).size() + scene.word.size() + 5;
    auto const note =
        scene.notice.substr(0, static_cast<std::size_t>(look.columns) - std::min(used, static_cast<std::size_t>(look.columns)));
    return hbox(
        {text(std::string(" ") + hint) | theme.value(), text(" " + scene.word + "_ ") | theme.asking(), text(" " + note) | theme.warn()});
}

// Text of any length: only what is seen becomes elements.
struct Slice {
    std::vector<std::string> rows;
    int total = 0;
};

Slice slice(std::vector<std::string> const& rows, int scroll, int count)
{
    auto const total = static_cast<int>(rows.size());
    auto const from = std::clamp(scroll, 0, std::max(total - count, 0));
    auto const to = std::min(from + count, total);
    return {{rows.begin() + from, rows.begin() + to}, total};
}

std::vector<std::string> log_rows(Scene const& scene, int columns)
{
    std::vector<std::string> rows;
    if (scene.lines == nullptr || scene.lines->empty()) return {" Nothing has been logged yet."};
    for (auto const& line : *scene.lines)
        for (auto const& row : wrapped(line, static_cast<std::size_t>(columns - 2))) rows.push_back(" " + row);
    return rows;
}

std::vector<std::string> question_rows(Question const& question, int columns)
{
    std::vector<std::string> rows;
    for (auto const& row : wrapped(question.text, static_cast<std::size_t>(columns - 2))) rows.push_back(" " + row);
    return rows;
}

Drawn draw_small(Scene const& scene, Look const& look, Theme const& theme)
{
    Drawn drawn{.picture = Picture(look.rows, look.columns)};
    place(too_small_page(scene.state, theme, look.rows, look.columns), look.rows, 0, look.rows, drawn.picture, 0, look.glyphs);
    return drawn;
}

Element page_element(Scene const& scene, Look const& look, Theme const& theme)
{
    if (scene.confirming) return confirmation(*scene.confirming, scene.state, scene.word, theme, look.columns);
    switch (scene.page) {
    case Page::network: return network_page(scene.state, theme, look.columns);
    case Page::help: return help_page(theme, look.kind, look.columns);
    default: return overview_page(scene.state, theme, look.columns);
    }
}

}  // namespace

Drawn draw(Scene const& scene, Look const& look)
{
    Theme const theme(look.colours);
    if (look.rows < kRowsMin || look.columns < kColumnsMin) return draw_small(scene, look, theme);
    Drawn drawn{.picture = Picture(look.rows, look.columns)};
    bool const text_page = !scene.confirming && (scene.page == Page::log || (scene.page == Page::question && scene.question != nullptr));
    bool const asking = text_page && scene.page == Page::question;

    auto const top = heading(scene, look, theme);
    // However many warnings there are, the page keeps some rows; the rest of the warnings are then on the log page too.
    int const top_rows = std::min(rows_of(top), look.rows / 2);
    place(top, rows_of(top), 0, top_rows, drawn.picture, 0, look.glyphs);
    int row = top_rows;
    if (asking) {
        for (auto const& line : wrapped(scene.question->title, static_cast<std::size_t>(look.columns - 2)))
            place(one_line(line, look.columns) | theme.asking(), 1, 0, 1, drawn.picture, row++, look.glyphs);
    }
    int const below = 1 + (asking || !scene.notice.empty() ? 1 : 0);
    drawn.page_rows = look.rows - row - below;

    int total = 0;
    if (text_page) {
        auto const all = asking ? question_rows(*scene.question, look.columns) : log_rows(scene, look.columns);
        auto const seen = slice(all, scene.scroll, drawn.page_rows);
        total = seen.total;
        place(text_rows(seen.rows) | theme.value(), drawn.page_rows, 0, drawn.page_rows, drawn.picture, row, look.glyphs);
    } else {
        auto const page = page_element(scene, look, theme);
        total = std::min(rows_of(page), kBodyRowsMax);
        auto const from = std::clamp(scene.scroll, 0, std::max(total - drawn.page_rows, 0));
        place(page, std::max(total, drawn.page_rows), from, drawn.page_rows, drawn.picture, row, look.glyphs);
    }
    drawn.scroll_max = std::max(total - drawn.page_rows, 0);
    int const scroll = std::min(scene.scroll, drawn.scroll_max);
    drawn.question_at_end = asking && scroll == drawn.scroll_max;

    if (asking)
        place(question_foot(scene, look, theme, drawn.question_at_end), 1, 0, 1, drawn.picture, look.rows - 2, look.glyphs);
    else if (!scene.notice.empty())
        place(one_line(scene.notice, look.columns) | theme.warn(), 1, 0, 1, drawn.picture, look.rows - 2, look.glyphs);
    place(key_bar(scene, look, theme, scroll, drawn.scroll_max), 1, 0, 1, drawn.picture, look.rows - 1, look.glyphs);
    return drawn;
}

}  // namespace ocu::console
