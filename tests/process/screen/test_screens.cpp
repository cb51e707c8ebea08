// SPDX-License-Identifier: GPL-3.0-or-later
// appliance/init/screens with real helpers: it re-executes this very program (see the other file's main()) on pseudo terminals.

#include <catch2/catch_test_macros.hpp>

#include <signal.h>

#include <filesystem>
#include <fstream>

#include "appliance/init/screens.h"
#include "appliance/init/terminal.h"
#include "support/pseudo_terminal.h"
#include "support/screen_state.h"

namespace test_screens {

using namespace ocu;
using namespace std::chrono_literals;
using test::PseudoTerminal;

struct ScreensTest {
    // The loop turns while the person looks.
    bool see(PseudoTerminal& pty, std::string_view text)
    {
        return until([&] {
            pty.wait(1ms);
            return pty.terminal.shows(text);
        });
    }
    bool until(std::function<bool()> const& true_now)
    {
        auto const end = std::chrono::steady_clock::now() + 15s;
        while (!true_now()) {
            if (std::chrono::steady_clock::now() > end) return false;
            turn(20ms);
        }
        return true;
    }
    void turn(std::chrono::milliseconds time)
    {
        bool over = false;
        auto const watch = loop.after(time, [&over] { over = true; });
        while (!over) loop.run_one();
    }
    void kill_helpers()
    {
        for (int const pid : helpers()) ::kill(pid, SIGKILL);
    }
    static std::vector<int> helpers()
    {
        std::vector<int> found;
        auto const own = std::to_string(::getpid());
        std::ifstream file("/proc/self/task/" + own + "/children");
        for (int pid = 0; file >> pid;) found.push_back(pid);
        return found;
    }

    wire::Loop loop;
    SystemClock clock;
    std::vector<proto::Wish> wishes;
    std::vector<bool> answers;
    PseudoTerminal tty1{25, 80};
    PseudoTerminal serial{24, 80};
    init::Screens screens{loop, clock, {.on_wish = [this](proto::Wish wish) { wishes.push_back(wish); }}};
};

TEST_CASE_METHOD(ScreensTest, "screens: given two terminals and one that is not there, when things happen, then each shows them in its way", "[boot][AP-5]")
{
    screens.add(tty1.path(), proto::ScreenKind::picture);
    screens.add(serial.path(), proto::ScreenKind::line);
    screens.add("/dev/no-such-terminal", proto::ScreenKind::line);
    screens.add("/dev/null", proto::ScreenKind::line);
    screens.show(test::serving_state());
    screens.log("a stick was \x1b[2J plugged in");
    CHECK(see(tty1, "The machine works"));
    CHECK(see(serial, "ocu: a stick was \\x1b[2J plugged in"));
    CHECK(helpers().size() == 2);
    // A question stands on both; the first answer counts and takes it away from the other.
    screens.ask("Trust this key?", "compare this key", [this](bool yes) { answers.push_back(yes); });
    CHECK(see(tty1, "compare this key"));
    CHECK(see(serial, "Press Enter to open the console"));
    turn(2100ms);
    tty1.type("yes\r");
    CHECK(until([this] { return !answers.empty(); }));
    CHECK(answers == std::vector{true});
    serial.type("\r");
    CHECK(see(serial, "The machine works"));
    CHECK_FALSE(serial.terminal.shows("compare this key"));
    serial.type("r");
    CHECK(see(serial, "Restart?"));
    serial.type("yes\r");
    CHECK(until([this] { return !wishes.empty(); }));
    CHECK(wishes == std::vector{proto::Wish::restart});
}

TEST_CASE_METHOD(ScreensTest, "screens: given a question, when it is withdrawn or replaced, then its answer never comes", "[boot][T-19]")
{
    screens.add(tty1.path(), proto::ScreenKind::picture);
    screens.ask("First?", "first text", [this](bool) { answers.push_back(false); });
    CHECK(see(tty1, "first text"));
    screens.ask("Second?", "second text", [this](bool yes) { answers.push_back(yes); });
    CHECK(see(tty1, "second text"));
    CHECK_FALSE(tty1.terminal.shows("first text"));
    screens.withdraw();
    CHECK(until([this] {
        tty1.wait(1ms);
        return !tty1.terminal.shows("second text");
    }));
    turn(2100ms);
    tty1.type("yes\r");
    turn(300ms);
    CHECK(answers.empty());
    // One that nobody could read to its end is no.
    screens.ask("Third?", std::string(proto::kQuestionBytesMax + 1, 'x'), [this](bool yes) { answers.push_back(yes); });
    CHECK(until([this] { return !answers.empty(); }));
    CHECK(answers == std::vector{false});
}

TEST_CASE_METHOD(ScreensTest, "screens: given helpers that are killed, when they are back, then they show what stands and a line is not printed twice",
    "[boot][T-14][AP-5]")
{
    screens.add(tty1.path(), proto::ScreenKind::picture);
    screens.add(serial.path(), proto::ScreenKind::line);
    screens.show(test::serving_state());
    screens.log("once only");
    screens.ask("Trust this key?", "compare this key", [this](bool yes) { answers.push_back(yes); });
    CHECK(see(serial, "Press Enter to open"));
    CHECK(see(tty1, "compare this key"));
    auto const first = helpers();
    kill_helpers();
    CHECK(until([&first] {
        auto const now = helpers();
        return now.size() == 2 && now[0] != first[0] && now[1] != first[1];
    }));
    tty1.terminal = test::Terminal(25, 80);
    CHECK(see(tty1, "compare this key"));
    screens.log("after");
    CHECK(see(serial, "ocu: after"));
    auto const all = serial.terminal.all();
    CHECK(all.find("once only") == all.rfind("once only"));
    tty1.type("3");
    CHECK(see(tty1, "once only"));
}

TEST_CASE_METHOD(ScreensTest, "screens: given a terminal that takes nothing, when much happens and its end comes, then the first process is never held up",
    "[boot][T-19]")
{
    screens.add(tty1.path(), proto::ScreenKind::picture);
    auto state = test::serving_state();
    auto const begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 2'000; ++i) {
        state.sessions = static_cast<std::uint32_t>(i);
        screens.show(state);
        screens.log(std::string(400, 'x'));
        if (i % 20 == 0) turn(1ms);
    }
    turn(1s);
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
    screens.show(test::serving_state());
    CHECK(see(tty1, "The machine works"));
}

TEST_CASE_METHOD(ScreensTest, "screens: given states that differ in their clocks alone, when they are shown often, then they are sent once a second", "[boot]")
{
    screens.add(tty1.path(), proto::ScreenKind::picture);
    auto state = test::serving_state();
    screens.show(state);
    CHECK(see(tty1, "The machine works"));
    auto const before = tty1.terminal.bytes();
    for (int i = 0; i < 500; ++i) {
        state.wall_clock += 1'000;
        state.uptime_s += 1'000;
        screens.show(state);
        turn(1ms);
        tty1.wait(1ms);
    }
    CHECK(tty1.terminal.bytes() - before < 1'000);
}

TEST_CASE_METHOD(ScreensTest, "screens: given a terminal whose size changes, when it is larger, then the console fills it", "[boot][AP-5]")
{
    screens.add(tty1.path(), proto::ScreenKind::picture);
    screens.show(test::serving_state());
    CHECK(see(tty1, "The machine works"));
    tty1.terminal = test::Terminal(40, 120);
    winsize const size{40, 120, 0, 0};
    REQUIRE(::ioctl(tty1.master(), TIOCSWINSZ, &size) == 0);
    CHECK(until([this] {
        tty1.wait(1ms);
        return tty1.terminal.row(39).find("s shut down") != std::string::npos;
    }));
}

TEST_CASE("screens: given a terminal with settings of its own, when it was used, then it has them again", "[boot]")
{
    PseudoTerminal pty(25, 80);
    UniqueFd const other(::open(pty.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios before{};
    REQUIRE(::tcgetattr(other.get(), &before) == 0);
    {
        auto const used = init::Terminal::open(pty.path()).value();
        termios raw{};
        REQUIRE(::tcgetattr(other.get(), &raw) == 0);
        CHECK((raw.c_lflag & (ICANON | ECHO | ISIG)) == 0);
        CHECK((raw.c_iflag & (IXON | IXOFF)) == 0);
    }
    termios after{};
    REQUIRE(::tcgetattr(other.get(), &after) == 0);
    CHECK(after.c_lflag == before.c_lflag);
    CHECK(after.c_iflag == before.c_iflag);
}

}  // namespace test_screens
