// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/console/draw, pages and picture. What each page says at each size, and what it costs to change it.

#include "console/draw.h"
#include "console/limits.h"
#include "support/screen_state.h"
#include "support/terminal.h"

namespace test_draw {

using namespace ocu;
using namespace ocu::console;

struct DrawTest {
    Drawn draw_it() const { return draw(scene, look); }
    std::string text() const
    {
        auto const drawn = draw_it();
        std::string out;
        for (int row = 0; row < drawn.picture.rows(); ++row) out += drawn.picture.text(row) + "\n";
        return out;
    }
    bool has(std::string_view words) const { return text().find(words) != std::string::npos; }
    bool any_style(std::string_view part) const
    {
        auto const drawn = draw_it();
        for (int row = 0; row < look.rows; ++row)
            for (int column = 0; column < look.columns; ++column)
                if ((";" + drawn.picture.at(row, column).style + ";").find(part) != std::string::npos) return true;
        return false;
    }

    std::deque<std::string> lines{"first line", "second line"};
    Scene scene{.state = test::serving_state(),
        .lines = &lines,
        .page = Page::overview,
        .question = nullptr,
        .confirming = {},
        .word = {},
        .notice = {},
        .scroll = 0};
    Look look{.rows = 24, .columns = 80, .colours = Colours::sixteen, .glyphs = Glyphs::box_drawing, .kind = proto::ScreenKind::picture};
};

TEST_CASE_METHOD(DrawTest,
    "draw: given a machine that serves, when its overview is drawn, then all that an operator is asked for is on one screen",
    "[console][AP-5]")
{
    for (auto const& [rows, columns] : {std::pair{24, 80}, std::pair{25, 80}, std::pair{40, 120}, std::pair{100, 240}}) {
        look.rows = rows;
        look.columns = columns;
        for (std::string_view const words : {"plant-7", "SERVING", "2026-11-26 01:07:19 UTC", "The machine works",
                 "https://192.0.2.7:8443/mcp", "https://192.0.2.7:8444/", "192.0.2.7/24 (service)", "3FA9 025C 77E1 4BD0",
                 "F06E 8937 A254 DB10", "internal_workforce", "gvisor", "11 of 11 up", "3 h 12 min", "network time", "Secure Boot on",
                 "on disk, encrypted", "sealed to the TPM", "RWQf6LRCGA9i53ml", "12", "unchanged since", "s shut down"}) {
            INFO(words << " at " << columns << "x" << rows << "\n" << text());
            CHECK(has(words));
        }
        CHECK(draw_it().scroll_max == 0);
    }
}

TEST_CASE_METHOD(DrawTest, "draw: given warnings, when the overview is drawn, then each is in words at the top; elsewhere their number is",
    "[console][AP-5]")
{
    scene.state.warnings.push("The clock was never set. Certificates may be refused by clients.");
    scene.state.warnings.push(std::string(150, 'w') + " end of a long one");
    auto const drawn = draw_it();
    CHECK(drawn.picture.text(2).starts_with(" ! The clock was never set."));
    CHECK(has("long one"));
    CHECK(has("2 WARNINGS"));
    CHECK(any_style(";41;"));
    scene.page = Page::network;
    CHECK(has("2 WARNINGS"));
}

TEST_CASE_METHOD(DrawTest,
    "draw: given every field at its longest, when any page is drawn, then it fits and what is below can be scrolled to", "[console][T-19]")
{
    auto& state = scene.state;
    state.name = std::string(64, 'n');
    state.mcp_url = std::string(128, 'u');
    state.files_url = std::string(128, 'f');
    state.fingerprint = std::string(128, 'x');
    state.manifest_note = std::string(200, 'm');
    state.clock_trouble = std::string(200, 't');
    state.trust = std::string(99, 'k') + "!";
    while (!state.interfaces.full())
        state.interfaces.push(
            {std::string(32, 'i'), std::string(16, 'r'), std::string(16, 'd'), false, std::string(128, 'a'), std::string(160, 'b')});
    while (!state.warnings.full()) state.warnings.push(std::string(200, 'w'));
    for (auto const page : {Page::overview, Page::network, Page::log, Page::help}) {
        scene.page = page;
        scene.scroll = 0;
        auto const drawn = draw_it();
        CHECK(drawn.page_rows >= 8);
        if (page == Page::overview || page == Page::network) {
            CHECK(drawn.scroll_max > 0);
            CHECK(has("MORE BELOW"));
            scene.scroll = 1'000'000;
            CHECK(has(" end\n"));
        }
    }
    scene.page = Page::overview;
    scene.scroll = 1'000'000;
    CHECK(has("k!"));
}

TEST_CASE_METHOD(
    DrawTest, "draw: given a terminal too small, when it is drawn, then it says so and says what matters most", "[console][AP-5]")
{
    look.rows = 12;
    look.columns = 40;
    scene.state.warnings.push("no network");
    CHECK(has("This terminal has 40 x 12"));
    CHECK(has("80 x 24"));
    CHECK(has("SERVING"));
    CHECK(has("https://192.0.2.7:8443/mcp"));
    CHECK(has("! no network"));
    look.rows = 1;
    look.columns = 20;
    CHECK(has("This terminal has"));
}

TEST_CASE_METHOD(DrawTest,
    "draw: given no colours and no box drawing, when any page is drawn, then it is plain ASCII with bold and reverse alone",
    "[console][AP-5]")
{
    look.colours = Colours::none;
    look.glyphs = Glyphs::ascii;
    scene.state.warnings.push("something");
    scene.state.clock_trouble = "never set";
    Question const question{1, "title", "text"};
    scene.question = &question;
    for (std::size_t page = 0; page < kPages; ++page) {
        scene.page = static_cast<Page>(page);
        auto const drawn = draw_it();
        for (int row = 0; row < look.rows; ++row) {
            for (int column = 0; column < look.columns; ++column) {
                auto const& cell = drawn.picture.at(row, column);
                REQUIRE(cell.glyph.size() == 1);
                REQUIRE((cell.glyph[0] >= ' ' && cell.glyph[0] <= '~'));
                REQUIRE((cell.style.empty() || cell.style == "1" || cell.style == "7" || cell.style == "1;7"));
            }
        }
    }
    scene.page = Page::overview;
    CHECK(has("--+"));
}

TEST_CASE_METHOD(DrawTest, "draw: given colours, when the pages are drawn, then only the sixteen are used", "[console]")
{
    CHECK_FALSE(any_style(";38;"));
    CHECK_FALSE(any_style(";48;"));
    CHECK(any_style(";44;"));
    CHECK(has("┌"));
}

TEST_CASE_METHOD(DrawTest, "draw: given machines in trouble, when they are drawn, then the trouble is in words and not only in colour",
    "[console][AP-5]")
{
    scene.state.helpers_up = 9;
    scene.state.frozen = true;
    scene.state.clock_trouble = "the clock was never set";
    scene.state.secure_boot = "OFF: anybody may have changed this machine";
    CHECK(has("9 of 11 up"));
    CHECK(has("NEW ONES FROZEN"));
    CHECK(has("the clock was never"));
    CHECK(has("Secure Boot OFF"));
    scene.page = Page::network;
    scene.state.interfaces = {};
    scene.state.interfaces.push({"service", "service", "eth0", false, "", "no lease"});
    CHECK(has("DOWN: no cable"));
    CHECK(has("no lease"));
}

TEST_CASE_METHOD(DrawTest,
    "picture: given a second's change, when the difference is sent, then the terminal shows the next picture for a few bytes",
    "[console][AP-5]")
{
    test::Terminal terminal(look.rows, look.columns);
    auto const first = draw_it().picture;
    terminal.take(whole(first, Ground::cleared));
    for (int row = 0; row < look.rows; ++row) CHECK(terminal.row(row) == first.text(row));
    scene.state.wall_clock += 1;
    auto const next = draw_it().picture;
    auto const bytes = difference(first, next);
    CHECK(bytes.size() < 80);  // two clocks: nine tenths of a line's second are left
    terminal.take(bytes);
    for (int row = 0; row < look.rows; ++row) CHECK(terminal.row(row) == next.text(row));
    CHECK(difference(next, next).empty());
    scene.page = Page::help;
    auto const other = draw_it().picture;
    terminal.take(difference(next, other));
    for (int row = 0; row < look.rows; ++row) CHECK(terminal.row(row) == other.text(row));
    terminal.take(whole(first, Ground::over_what_is_there));
    for (int row = 0; row < look.rows; ++row) CHECK(terminal.row(row) == first.text(row));
    CHECK(terminal.unknown() == 0);
    CHECK_FALSE(terminal.cursor_visible());
}

}  // namespace test_draw
