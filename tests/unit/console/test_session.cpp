// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/console/session. A serial line between plain lines and the console, and what a slow terminal costs.

#include "console/limits.h"
#include "console/session.h"
#include "support/screen_state.h"
#include "support/terminal.h"

namespace test_session {

using namespace ocu;
using namespace ocu::console;
using namespace std::chrono_literals;

struct SessionTest {
    explicit SessionTest(proto::ScreenKind kind = proto::ScreenKind::line)
        : session({.kind = kind, .colours = false, .rows = 0, .columns = 0}, clock,
              {.on_answer = [this](auto const& answer) { answers.push_back(answer); }, .on_wish = [this](auto const& wish) { wishes.push_back(wish); }})
    {
        session.show(test::serving_state());
    }
    // The terminal takes everything there is.
    std::string drain()
    {
        std::string all;
        for (int i = 0; i < 1'000; ++i) {
            clock.advance(kFramesApart);
            auto const out = session.output();
            if (out.empty()) break;
            session.written();
            all += out;
        }
        terminal.take(all);
        return all;
    }
    std::string keys(std::string_view bytes)
    {
        session.keyboard(std::as_bytes(std::span(bytes)));
        return drain();
    }
    std::string escape()
    {
        session.keyboard(std::as_bytes(std::span("\x1b", 1)));
        clock.advance(kKeyWait);
        session.tick();
        return drain();
    }
    void pass(std::chrono::milliseconds time)
    {
        clock.advance(time);
        session.tick();
    }

    ManualClock clock;
    std::vector<proto::ScreenAnswer> answers;
    std::vector<proto::ScreenWish> wishes;
    test::Terminal terminal{24, 80};
    Session session;
};

struct PictureTest : SessionTest {
    PictureTest() : SessionTest(proto::ScreenKind::picture) {}
};

TEST_CASE_METHOD(SessionTest, "session: given a serial line, when nobody pressed Enter, then it has the log's lines and nothing else", "[console][AP-5]")
{
    CHECK(drain().empty());
    session.line({"the network is up", false});
    session.line({"forged\r\nocu: line \x1b[2J", false});
    CHECK(drain() == "ocu: the network is up\r\nocu: forged\\x0d\\x0aocu: line \\x1b[2J\r\n");
    CHECK(keys("syes1q\x1b[A\t").empty());
    CHECK(drain().empty());
}

TEST_CASE_METHOD(SessionTest, "session: given a serial line, when Enter is pressed, then it is the console until Esc, and missed lines follow", "[console][AP-5]")
{
    session.line({"before", false});
    CHECK(drain() == "ocu: before\r\n");
    keys("\r");
    CHECK(terminal.shows("The machine works"));
    session.line({"meanwhile", false});
    CHECK(drain().find("ocu: meanwhile") == std::string::npos);
    auto const back = escape();
    CHECK(back.ends_with("ocu: meanwhile\r\n"));
    CHECK(back.find("ocu: before") == std::string::npos);
    CHECK(terminal.cursor_visible());
    CHECK(terminal.unknown() == 0);
}

TEST_CASE_METHOD(SessionTest, "session: given the console on a serial line, when nobody touches it for five minutes, then it is lines again", "[console][T-19]")
{
    keys("\r");
    pass(kBackToLinesAfter - 1s);
    CHECK(drain().find("\x1b[?25h") == std::string::npos);
    pass(1s);
    CHECK(drain().find("\x1b[?25h") != std::string::npos);
    CHECK(keys("s").empty());
}

TEST_CASE_METHOD(SessionTest, "session: given a question, when the line is not a console yet, then it is told with how to answer and Enter opens it",
    "[console][AP-2]")
{
    std::string text = "fingerprint RWQ1234\n";
    for (int i = 0; i < 40; ++i) text += "rule " + std::to_string(i) + "\n";
    session.ask({.id = 3, .title = "Trust \x1b this key?", .text = text});
    auto const told = drain();
    CHECK(told.find("ocu: QUESTION: Trust \\x1b this key?\r\nocu:   fingerprint RWQ1234\r\n") == 0);
    CHECK(told.find("more lines in the console") != std::string::npos);
    CHECK(told.find("Press Enter to open the console and answer.") != std::string::npos);
    CHECK(drain().empty());
    CHECK(keys("yes").empty());
    CHECK(answers.empty());
    keys("\r");
    CHECK(terminal.shows("fingerprint RWQ1234"));
    // Left without an answer, it is told again; answered, it is not.
    CHECK(escape().find("QUESTION") != std::string::npos);
    keys("\r");
    keys("no\r");
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].yes);
    CHECK(escape().find("QUESTION") == std::string::npos);
}

TEST_CASE_METHOD(SessionTest, "session: given lines of an earlier helper, when they are sent again, then they are on the log page and not printed twice",
    "[console]")
{
    session.line({"old one", true});
    session.line({"new one", false});
    CHECK(drain() == "ocu: new one\r\n");
    keys("\r3");
    CHECK(terminal.shows("old one"));
}

TEST_CASE_METHOD(SessionTest, "session: given a terminal that takes nothing, when thousands of lines come, then little is kept and it says how many are missing",
    "[console][T-19]")
{
    for (int i = 0; i < 10'000; ++i) session.line({std::string(400, 'x'), false});
    auto const out = session.output();
    CHECK(out.size() < kOutputBytesMax + 1'000);
    CHECK(out.starts_with("ocu: (9800 lines are left out here)\r\n"));
}

TEST_CASE_METHOD(SessionTest, "session: given a size that the kernel does not know, when the console opens, then the terminal is asked once and believed within bounds",
    "[console][T-19]")
{
    CHECK(keys("\x1b[50;132R").empty());  // not asked
    keys("\r");
    CHECK(terminal.asked_position());
    auto const redrawn = keys("\x1b[50;132R");
    CHECK(redrawn.find("\x1b[50;1H") != std::string::npos);
    CHECK(keys("\x1b[24;80R").empty());
    (void)escape();
    keys("\r");
    CHECK(keys("\x1b[9999;9999R").find("\x1b[100;1H") != std::string::npos);
}

TEST_CASE_METHOD(PictureTest, "session: given tty1, when it starts, then it is the console at once and Esc and idleness leave it so", "[console][AP-5]")
{
    drain();
    CHECK(terminal.shows("The machine works"));
    CHECK(terminal.unknown() == 0);
    CHECK_FALSE(terminal.asked_position());
    escape();
    pass(2 * kBackToLinesAfter);
    CHECK(drain().find("\x1b[?25h") == std::string::npos);
    CHECK(terminal.shows("The machine works"));
}

TEST_CASE_METHOD(PictureTest, "session: given a picture that something wrote over, when its time has come or Ctrl-L is pressed, then it is whole again",
    "[console]")
{
    drain();
    terminal.take("\x1b[1;1Hkernel: scribble");
    CHECK(drain().size() < 200);
    CHECK(terminal.shows("scribble"));
    pass(kRedrawEvery);
    auto const repair = drain();
    CHECK_FALSE(terminal.shows("scribble"));
    CHECK(repair.find("\x1b[2J") == std::string::npos);  // without flicker
    terminal.take("\x1b[1;1Hkernel: scribble");
    keys("\f");
    CHECK_FALSE(terminal.shows("scribble"));
}

TEST_CASE_METHOD(PictureTest, "session: given a flood of news, when pictures are asked for, then they come no oftener than their distance", "[console][T-19]")
{
    drain();
    clock.advance(kFramesApart);
    session.line({"x", false});
    (void)session.output();
    session.written();
    int pictures = 0;
    for (int i = 0; i < 1'000; ++i) {
        clock.advance(1ms);
        auto state = test::serving_state();
        state.sessions = static_cast<std::uint32_t>(i);
        session.show(state);
        if (session.output().empty()) continue;
        session.written();
        ++pictures;
    }
    CHECK(pictures <= 20);
    CHECK(pictures >= 15);
}

TEST_CASE_METHOD(PictureTest, "session: given a terminal that hangs with a question on its way, when yes is typed, then it is not answered", "[console][T-19]")
{
    drain();
    session.ask({.id = 3, .title = "t", .text = "short"});
    clock.advance(kFramesApart);
    REQUIRE_FALSE(session.output().empty());  // made, but it does not get through: written() does not come
    clock.advance(1h);
    session.keyboard(std::as_bytes(std::span("yes\r", 4)));
    CHECK(answers.empty());
    session.written();
    clock.advance(kReadingTakes);
    session.keyboard(std::as_bytes(std::span("yes\r", 4)));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].yes);
}

TEST_CASE_METHOD(PictureTest, "session: given the same question again under another number, when it stands as the picture has it, then it can be answered",
    "[console]")
{
    session.ask({.id = 3, .title = "t", .text = "short"});
    drain();
    session.ask({.id = 4, .title = "t", .text = "short"});
    drain();
    clock.advance(kReadingTakes);
    keys("yes\r");
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].id == 4);
}

TEST_CASE_METHOD(PictureTest, "session: given s and yes typed at once, when they are read, then one shutdown is wished for", "[console]")
{
    drain();
    keys("syes\r\r\r");
    REQUIRE(wishes.size() == 1);
    CHECK(wishes[0].wish == proto::Wish::shutdown);
}

}  // namespace test_session
