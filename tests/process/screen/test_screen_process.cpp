// SPDX-License-Identifier: GPL-3.0-or-later
// The real screen helper under its real profile on a pseudo terminal: a person's keys in, what a person sees out.

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "appliance/commands.h"
#include "appliance/init/terminal.h"
#include "appliance/profiles/screen.h"
#include "console/helpers.h"
#include "support/helper_process.h"
#include "support/pseudo_terminal.h"
#include "support/screen_state.h"

namespace test_screen {

using namespace ocu;
using namespace std::chrono_literals;
using test::PseudoTerminal;

struct ScreenTest {
    ScreenTest() : screen("screen", console::screen_main) {}
    void begin(proto::ScreenKind kind)
    {
        screen.configure(proto::ScreenConfig{.kind = kind, .colours = kind == proto::ScreenKind::picture, .rows = 25, .columns = 80}, {terminal.fd()});
        (void)screen.ready();
        screen.send(test::serving_state());
    }
    bool nothing_said() { return !screen.receive(300ms).has_value(); }
    long processor_ticks() const
    {
        std::ifstream file("/proc/" + std::to_string(screen.pid()) + "/stat");
        std::string const all{std::istreambuf_iterator<char>(file), {}};
        std::istringstream words(all.substr(all.rfind(')') + 2));
        std::string word;
        for (int i = 0; i < 11; ++i) words >> word;  // up to the fields 14 and 15: user and system
        long user = 0;
        long system = 0;
        words >> user >> system;
        return user + system;
    }
    std::string status(std::string_view field) const
    {
        std::ifstream file("/proc/" + std::to_string(screen.pid()) + "/status");
        for (std::string line; std::getline(file, line);)
            if (line.starts_with(field)) return line.substr(line.find_first_not_of(" \t", field.size() + 1));
        return "";
    }

    PseudoTerminal pty{25, 80};
    init::Terminal terminal = init::Terminal::open(pty.path()).value();
    test::HelperProcess screen;
};

TEST_CASE_METHOD(ScreenTest, "screen: given tty1, when keys are pressed, then a person sees the page that they lead to", "[console][AP-5][AP-8]")
{
    begin(proto::ScreenKind::picture);
    CHECK(pty.shows("The machine works"));
    CHECK(pty.shows("https://192.0.2.7:8443/mcp"));
    CHECK(pty.shows("3FA9 025C 77E1 4BD0"));
    pty.type("2");
    CHECK(pty.shows("Used for"));
    screen.send(proto::ScreenLine{"something happened", false});
    pty.type("\x1b[C");
    CHECK(pty.shows("something happened"));
    pty.type("\x1bOS");
    CHECK(pty.shows("What this is"));
    CHECK(pty.terminal.unknown() == 0);
}

TEST_CASE_METHOD(ScreenTest, "screen: given a question, when it is read and answered, then the answer comes once; a stray key answers nothing", "[console][T-19][AP-2]")
{
    begin(proto::ScreenKind::picture);
    screen.send(proto::ScreenQuestion{.id = 5, .title = "Trust this key?", .text = "compare this key"});
    REQUIRE(pty.shows("compare this key"));
    pty.type("y\ry\r\x1b");
    CHECK(nothing_said());
    pty.wait(2s);
    pty.type("yes\r");
    auto const answer = screen.expect<proto::ScreenAnswer>();
    CHECK(answer.id == 5);
    CHECK(answer.yes);
    pty.type("yes\r");
    CHECK(nothing_said());
}

TEST_CASE_METHOD(ScreenTest, "screen: given shutdown, when it is confirmed, then it is wished for", "[console][AP-5]")
{
    begin(proto::ScreenKind::picture);
    REQUIRE(pty.shows("The machine works"));
    pty.type("s");
    REQUIRE(pty.shows("Shut down?"));
    CHECK(nothing_said());
    pty.type("yes\r");
    CHECK(screen.expect<proto::ScreenWish>().wish == proto::Wish::shutdown);
}

TEST_CASE_METHOD(ScreenTest, "screen: given a serial line, when nobody touched it, then it has lines; Enter makes it the console and Esc lines again",
    "[console][AP-5]")
{
    begin(proto::ScreenKind::line);
    screen.send(proto::ScreenLine{"first", false});
    CHECK(pty.shows("ocu: first"));
    CHECK_FALSE(pty.terminal.shows("The machine works"));
    pty.type("\r");
    CHECK(pty.shows("The machine works"));
    CHECK(pty.terminal.all().find("\xe2") == std::string::npos);  // ASCII alone
    screen.send(proto::ScreenLine{"second", false});
    pty.type("\x1b");
    CHECK(pty.shows("ocu: second"));
}

TEST_CASE_METHOD(ScreenTest, "screen: given a flood of keys, when it is over, then nothing was answered or wished for and a key still works", "[console][T-19]")
{
    begin(proto::ScreenKind::picture);
    screen.send(proto::ScreenQuestion{.id = 5, .title = "Trust this key?", .text = "short"});
    REQUIRE(pty.shows("short"));
    // Everything a keyboard could send but the letters of the two words, so that chance cannot spell one.
    std::string flood;
    std::uint32_t seed = 1;
    while (flood.size() < (256u << 10)) {
        seed = seed * 1'664'525 + 1'013'904'223;
        auto const c = static_cast<char>(seed >> 24);
        if (std::string_view("yesno").find(c) == std::string_view::npos) flood += c;
    }
    pty.type(flood);
    CHECK(nothing_said());
    pty.type("\x1b\x1b");
    pty.wait(500ms);
    pty.type("2\f");
    CHECK(pty.shows("Used for"));
    // And it rests again: in a second it uses next to no processor time.
    pty.wait(500ms);
    auto const before = processor_ticks();
    pty.wait(1s);
    CHECK(processor_ticks() - before < ::sysconf(_SC_CLK_TCK) / 5);
}

TEST_CASE_METHOD(ScreenTest, "screen: given a terminal that takes nothing, when thousands of messages come, then all are taken, memory stays small, and the last is shown",
    "[console][T-19]")
{
    begin(proto::ScreenKind::picture);
    auto state = test::serving_state();
    for (int i = 0; i < 5'000; ++i) {
        state.sessions = static_cast<std::uint32_t>(i);
        screen.send(state);  // waits for room: a helper that waits for its terminal would hold this up for ever
        screen.send(proto::ScreenLine{std::string(400, 'x'), false});
    }
    state.sessions = 77'777;
    screen.send(state);
    CHECK(std::stol(status("VmRSS")) < 64 << 10);
    pty.type("1");
    CHECK(pty.shows("77777"));
    CHECK(pty.terminal.unknown() == 0);
}

TEST_CASE_METHOD(ScreenTest, "screen: given a terminal that goes away, when it is gone, then the helper ends by itself", "[console][T-19]")
{
    begin(proto::ScreenKind::picture);
    REQUIRE(pty.shows("The machine works"));
    pty.hang_up();
    int const status = screen.wait();
    CHECK(WIFEXITED(status));
}

TEST_CASE_METHOD(ScreenTest, "screen: given a frame that is not its own, when it is heard, then it ends", "[console][T-14]")
{
    begin(proto::ScreenKind::picture);
    screen.send(proto::ScreenWish{});
    CHECK(WIFEXITED(screen.wait()));
}

TEST_CASE_METHOD(ScreenTest, "screen: given a helper that serves, when the kernel is asked, then it has its terminal, its link and nothing more",
    "[console][T-14][AP-8]")
{
    begin(proto::ScreenKind::picture);
    REQUIRE(pty.shows("The machine works"));
    CHECK(status("Uid").starts_with(std::to_string(helper::kHelperUidBase + static_cast<unsigned>(helper::Kind::screen))));
    CHECK(status("Seccomp") == "2");
    CHECK(status("NoNewPrivs") == "1");
    for (auto const* field : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) CHECK(status(field) == "0000000000000000");
    std::set<std::string> names;
    for (auto const& each : std::filesystem::directory_iterator("/proc/" + std::to_string(screen.pid()) + "/fd")) {
        if (std::stoi(each.path().filename()) <= 2) continue;
        auto const target = std::filesystem::read_symlink(each.path()).string();
        // In its own empty root the terminal has no name; the kernel shows the one it was opened by.
        if (!target.starts_with("socket:") && !target.starts_with("anon_inode:")) names.insert(target);
    }
    CHECK(names.size() == 1);
    CHECK(names.begin()->find("pts/") != std::string::npos);
}

// The helper's profile and its terminal, and a call that would control the terminal instead of writing to it.
int controlled(PseudoTerminal& pty, unsigned long request)
{
    auto const terminal = init::Terminal::open(pty.path()).value();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        auto pair = make_socket_pair();
        if (!pair || ::dup2(pair->theirs.get(), helper::kLinkFd) < 0) ::_exit(3);
        std::array const lent{terminal.fd()};
        if (!helper::write_frame(pair->ours.get(), helper::kConfigureType, wire::encode(proto::ScreenConfig{}), lent)) ::_exit(3);
        auto self = helper::Helper::begin("screen");
        if (!self || !self->receive_config<proto::ScreenConfig>() || !self->confine(profiles::kScreen)) ::_exit(3);
        char typed = 'y';
        ::_exit(::ioctl(self->descriptors().front().get(), request, &typed) == 0 ? 42 : 0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

TEST_CASE("screen: given its profile, when it would control a terminal and not only write to it, then it is killed", "[console][T-14][T-19][AP-8]")
{
    PseudoTerminal pty(25, 80);
    for (unsigned long const request : {static_cast<unsigned long>(TIOCSTI), static_cast<unsigned long>(TIOCSWINSZ), static_cast<unsigned long>(TCGETS)}) {
        int const status = controlled(pty, request);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == SIGSYS);
    }
}

}  // namespace test_screen

int main(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && std::string_view(argv[1]) == "helper") return ocu::appliance::helper_main(argc - 1, argv + 1);
    return Catch::Session().run(argc, argv);
}
