// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/console/console. Which keys lead where, and what it takes before anything is answered or wished for.

#include "console/console.h"
#include "console/limits.h"
#include "support/screen_state.h"

namespace test_console {

using namespace ocu;
using namespace ocu::console;
using namespace std::chrono_literals;

constexpr Key letter(char c) { return {.kind = KeyKind::character, .letter = c}; }

std::string lines_of_text(int count)
{
    std::string text;
    for (int i = 1; i <= count; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
}

struct ConsoleTest {
    ConsoleTest() { console.show(test::serving_state(), clock.now()); }
    Console::Outcome press(Key const& key)
    {
        auto const outcome = console.press(key, clock.now());
        look();
        return outcome;
    }
    // As a terminal that keeps up: the picture is drawn and seen after each key.
    void look()
    {
        (void)console.picture(clock.now());
        console.seen(clock.now());
    }
    Console::Outcome type(std::string_view word)
    {
        for (char const c : word) (void)press(letter(c));
        return press({KeyKind::enter});
    }
    void ask(std::uint32_t id, std::string text)
    {
        console.ask({.id = id, .title = "Trust this key?", .text = std::move(text)});
        look();
    }
    std::string screen()
    {
        auto const picture = console.picture(clock.now());
        std::string out;
        for (int row = 0; row < picture.rows(); ++row) out += picture.text(row) + "\n";
        return out;
    }
    bool shows(std::string_view text) { return screen().find(text) != std::string::npos; }

    ManualClock clock;
    Console console{{.rows = 24, .columns = 80, .colours = Colours::none, .glyphs = Glyphs::ascii, .kind = proto::ScreenKind::picture}};
};

TEST_CASE_METHOD(ConsoleTest, "console: given each way to a page, when its key is pressed, then that page is shown", "[console][AP-5]")
{
    for (auto const& [key, page] : std::vector<std::pair<Key, Page>>{{letter('2'), Page::network}, {letter('3'), Page::log},
             {letter('4'), Page::help}, {letter('1'), Page::overview}, {{KeyKind::tab}, Page::network}, {{KeyKind::right}, Page::log},
             {{KeyKind::left}, Page::network}, {{KeyKind::back_tab}, Page::overview}, {{KeyKind::left}, Page::help},
             {{KeyKind::right}, Page::overview}, {{.kind = KeyKind::function, .number = 3}, Page::log}, {letter('5'), Page::log},
             {{.kind = KeyKind::function, .number = 9}, Page::log}}) {
        (void)press(key);
        CHECK(console.page() == page);
    }
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given s or r, when anything but the word yes and Enter follows, then nothing is wished for", "[console][T-19]")
{
    for (char const key : {'s', 'r'}) {
        for (std::string_view const word : {"", "y", "no", "ye", "yess", "YES", "yesyesyesyes"}) {
            CHECK_FALSE(press(letter(key)).wish);
            CHECK(console.confirming());
            CHECK_FALSE(type(word).wish);
            CHECK_FALSE(console.confirming());
        }
        (void)press(letter(key));
        for (char const c : {'y', 'e', 's'}) (void)press(letter(c));
        CHECK_FALSE(press({KeyKind::escape}).wish);
        CHECK_FALSE(press({KeyKind::enter}).wish);
    }
    CHECK_FALSE(type("yes").wish);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given s, when yes and Enter are typed, then a shutdown is wished for once; after r a restart", "[console][AP-5]")
{
    (void)press(letter('s'));
    CHECK(shows("Shut down?"));
    CHECK(shows("3 SESSIONS"));
    auto const stopped = type("yes");
    REQUIRE(stopped.wish);
    CHECK(stopped.wish->wish == proto::Wish::shutdown);
    CHECK_FALSE(press({KeyKind::enter}).wish);
    (void)press(letter('r'));
    for (char const c : {'y', 'e', 't'}) (void)press(letter(c));
    (void)press({KeyKind::backspace});
    auto const restarted = type("s");
    REQUIRE(restarted.wish);
    CHECK(restarted.wish->wish == proto::Wish::restart);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given a confirmation that was left alone, when its minute is over, then it is gone", "[console][T-19]")
{
    (void)press(letter('s'));
    for (char const c : {'y', 'e', 's'}) (void)press(letter(c));
    clock.advance(kConfirmationStands - 1ms);
    console.tick(clock.now());
    CHECK(console.confirming());
    clock.advance(1ms);
    console.tick(clock.now());
    CHECK_FALSE(console.confirming());
    CHECK_FALSE(press({KeyKind::enter}).wish);
}

TEST_CASE_METHOD(ConsoleTest, "console: given a question that was in view long enough, when yes is typed, then it is answered and gone",
    "[console][AP-2]")
{
    ask(7, "short");
    CHECK(console.page() == Page::question);
    clock.advance(kReadingTakes);
    auto const outcome = type("yes");
    REQUIRE(outcome.answer);
    CHECK(outcome.answer->id == 7);
    CHECK(outcome.answer->yes);
    CHECK(console.question() == nullptr);
    CHECK_FALSE(type("yes").answer);
}

TEST_CASE_METHOD(ConsoleTest, "console: given a question that has only just come, when yes was typed at once, then it is not answered",
    "[console][T-19]")
{
    ask(7, "short");
    clock.advance(kReadingTakes - 1ms);
    CHECK_FALSE(type("yes").answer);
    CHECK(console.question() != nullptr);
    clock.advance(1ms);
    CHECK(type("yes").answer);
}

TEST_CASE_METHOD(ConsoleTest,
    "console: given a terminal that has not shown the question, when yes is typed blindly, then it is not answered", "[console][T-19]")
{
    console.ask({.id = 7, .title = "Trust this key?", .text = "short"});
    clock.advance(1h);
    for (char const c : {'y', 'e', 's'}) (void)console.press(letter(c), clock.now());
    CHECK_FALSE(console.press({KeyKind::enter}, clock.now()).answer);
}

TEST_CASE_METHOD(ConsoleTest,
    "console: given a question longer than the screen, when yes is typed before its end was shown, then it waits for that",
    "[console][T-19][AP-2]")
{
    ask(7, lines_of_text(60));
    CHECK(shows("line 1\n"));
    CHECK_FALSE(shows("line 60"));
    clock.advance(1h);
    CHECK_FALSE(type("yes").answer);
    CHECK(shows("Not yet"));
    for (int i = 0; i < 10 && !shows("line 60"); ++i) (void)press({KeyKind::page_down});
    CHECK(shows("line 60"));
    CHECK_FALSE(type("yes").answer);
    clock.advance(kReadingTakes);
    CHECK(type("yes").answer);
}

TEST_CASE_METHOD(ConsoleTest, "console: given a long question, when no is typed at its beginning, then that is an answer", "[console]")
{
    ask(7, lines_of_text(60));
    auto const outcome = type("no");
    REQUIRE(outcome.answer);
    CHECK_FALSE(outcome.answer->yes);
}

TEST_CASE_METHOD(ConsoleTest, "console: given a question, when single keys are pressed and pages turned, then it stands", "[console][T-19]")
{
    ask(7, "short");
    clock.advance(1h);
    for (Key const& key : {letter('y'), Key{KeyKind::enter}, Key{KeyKind::escape}, letter('n'), Key{KeyKind::enter}, letter('1'),
             letter('3'), Key{KeyKind::enter}}) {
        CHECK_FALSE(press(key).answer);
    }
    CHECK(console.page() == Page::log);
    CHECK(console.question() != nullptr);
    CHECK(shows("5 QUESTION"));
    // Half a word is not kept while another page is looked at.
    (void)press(letter('5'));
    (void)press(letter('y'));
    (void)press(letter('1'));
    (void)press(letter('5'));
    CHECK_FALSE(type("es").answer);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given half an answer, when another question takes the first one's place, then it begins anew", "[console][T-19]")
{
    ask(7, "short");
    clock.advance(1h);
    for (char const c : {'y', 'e', 's'}) (void)press(letter(c));
    ask(8, "short");
    clock.advance(kReadingTakes);
    CHECK_FALSE(press({KeyKind::enter}).answer);
    ask(9, "short");
    CHECK_FALSE(type("yes").answer);  // it has not stood long enough
    clock.advance(kReadingTakes);
    auto const outcome = type("yes");
    REQUIRE(outcome.answer);
    CHECK(outcome.answer->id == 9);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given a confirmation being typed, when a question comes, then yes goes to the confirmation", "[console][T-19]")
{
    (void)press(letter('s'));
    ask(7, "short");
    clock.advance(kReadingTakes);
    auto const outcome = type("yes");
    CHECK(outcome.wish);
    CHECK_FALSE(outcome.answer);
    CHECK(console.question() != nullptr);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given a question, when it is withdrawn, then it is gone; another's withdrawal leaves it", "[console]")
{
    ask(7, "short");
    console.withdraw(6);
    CHECK(console.question() != nullptr);
    console.withdraw(7);
    CHECK(console.question() == nullptr);
    CHECK(console.page() == Page::overview);
    clock.advance(1h);
    CHECK_FALSE(type("yes").answer);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given a terminal too small to show what is asked, when yes is typed, then nothing happens", "[console][T-19]")
{
    console.resize(12, 40);
    (void)press(letter('s'));
    CHECK_FALSE(type("yes").wish);
    ask(7, "short");
    clock.advance(1h);
    CHECK_FALSE(type("yes").answer);
    console.resize(24, 80);
    (void)press(letter('1'));
    (void)press(letter('s'));
    CHECK(console.confirming());
    console.resize(12, 40);
    CHECK_FALSE(type("yes").wish);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given texts with terminal commands, when they are shown, then the picture has none", "[console][T-19]")
{
    auto state = test::serving_state();
    state.name = "a\x1b[2Jb";
    state.warnings.push("stick says \x07\xe2\x80\xae");
    console.show(state, clock.now());
    console.add_line("log \x1b]0;title\x07");
    CHECK(shows("a\\x1b[2Jb"));
    CHECK(shows("stick says \\x07\\u{202e}"));
    (void)press(letter('3'));
    CHECK(shows("log \\x1b]0;title\\x07"));
    ask(7, "text \x1b[8m");
    CHECK(shows("text \\x1b[8m"));
    CHECK(screen().find_first_of("\x1b\x07") == std::string::npos);
}

TEST_CASE_METHOD(
    ConsoleTest, "console: given more lines than are kept, when the log is read, then the last are there and can be scrolled", "[console]")
{
    for (int i = 1; i <= 250; ++i) console.add_line("event " + std::to_string(i));
    (void)press(letter('3'));
    CHECK(console.lines().size() == kLinesKept);
    CHECK(shows("event 250"));
    (void)press({KeyKind::home});
    CHECK(shows("event 51\n"));
    CHECK_FALSE(shows("event 250"));
    console.add_line("event 251");
    CHECK_FALSE(shows("event 251"));  // whoever reads is not carried away
    (void)press({KeyKind::end});
    CHECK(shows("event 251"));
    console.add_line("event 252");
    CHECK(shows("event 252"));
    (void)press({KeyKind::up});
    CHECK_FALSE(shows("event 252"));
}

TEST_CASE_METHOD(ConsoleTest, "console: given a state of a while ago, when it is shown, then its clocks have gone on", "[console]")
{
    auto const before = console.state_at(clock.now());
    clock.advance(65s);
    auto const after = console.state_at(clock.now());
    CHECK(after.wall_clock == before.wall_clock + 65);
    CHECK(after.uptime_s == before.uptime_s + 65);
}

}  // namespace test_console
