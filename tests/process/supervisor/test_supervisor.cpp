// SPDX-License-Identifier: GPL-3.0-or-later
// The supervisor with real processes: it re-executes this very program, which, asked to be a helper, plays one (see main()). Its
// configuration says what it plays: good, silent, wrong or gone.

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/supervisor.h"
#include "helper/frame.h"
#include "helper/helper.h"
#include "proto/core_to_role.h"

namespace test_supervisor {

using namespace ocu;
using namespace std::chrono_literals;
using helper::Kind;
using proto::What;

enum class Play : std::uint8_t { good, never_ready, ends_at_once, speaks_first, kLast = speaks_first };

struct Part {
    Play play = Play::good;
    static void fields(auto& wire, auto& m) { wire(m.play); }
};

void wait_for_end(int link)
{
    pollfd entry{link, POLLIN | POLLRDHUP, 0};
    while (::poll(&entry, 1, -1) < 0) {}
}

int play(std::string_view name)
{
    auto self = helper::Helper::begin(name);
    if (!self) return 1;
    auto const part = self->receive_config<Part>();
    if (!part || part->play == Play::ends_at_once) return 1;
    if (part->play == Play::never_ready) {
        wait_for_end(helper::kLinkFd);
        return 1;
    }
    if (part->play == Play::speaks_first) {
        (void)helper::write_frame(helper::kLinkFd, 7, {}, {});
        wait_for_end(helper::kLinkFd);
        return 1;
    }
    std::array const report{std::byte{42}};
    auto const link = self->report_ready(wire::Bytes(report.begin(), report.end()));
    if (!link) return 1;
    wait_for_end(link->get());
    return 0;
}

// Remembers; refuses while it is told to, as audit does whose writer is down.
class Pen final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        if (down) return done(fail(Fault::unavailable, "the writer is down"));
        events.push_back(std::move(event));
        done(EventNumber{events.size()});
    }
    std::size_t count(What what) const { return static_cast<std::size_t>(std::ranges::count(events, what, &proto::Event::what)); }
    std::vector<proto::Event> events;
    bool down = false;
};

struct SupervisorTest {
    SupervisorTest()
    {
        role.on_message([this](proto::CoreToRole::Message message) {
            if (auto* const up = std::get_if<proto::HelperUp>(&message)) {
                ups.push_back(Monotonic::clock::now());
                heard.push_back(up->kind);
                links[static_cast<std::size_t>(up->kind)] = std::move(up->link);
                report = up->report;
            }
            if (std::holds_alternative<proto::HelperDown>(message)) downs.push_back(Monotonic::clock::now());
        });
        supervisor.record_to(pen);
        plan(Kind::parser, Play::good);
    }
    void plan(Kind kind, Play part)
    {
        supervisor.plan(kind, {&role, wire::encode(Part{part}), {}, [this](std::span<std::byte const>) { ++told; }});
    }
    template <class Condition>
    void run_until(Condition done)
    {
        bool late = false;
        auto const guard = loop.after(10s, [&late] { late = true; });
        while (!done() && !late) loop.run_one();
        REQUIRE_FALSE(late);
    }
    void start(Kind kind = Kind::parser)
    {
        auto const before = ups.size();
        REQUIRE(supervisor.start(kind));
        run_until([&] { return ups.size() > before; });
    }
    bool is_up(Kind kind = Kind::parser) const { return health.up[static_cast<std::size_t>(kind)]; }
    // Kills it; how long until its role was told.
    std::chrono::milliseconds kill_it(Kind kind = Kind::parser)
    {
        auto const before = downs.size();
        auto const at = Monotonic::clock::now();
        REQUIRE(::kill(supervisor.pid_of(kind), SIGKILL) == 0);
        run_until([&] { return downs.size() > before; });
        return std::chrono::duration_cast<std::chrono::milliseconds>(downs.back() - at);
    }

    wire::Loop loop;
    ManualClock clock;
    helper::Health health;
    proto::CoreToRole role{loop};
    Pen pen;
    appliance::Supervisor supervisor{loop, clock, health};
    std::vector<Monotonic> ups;
    std::vector<Kind> heard;
    std::vector<Monotonic> downs;
    std::array<UniqueFd, helper::kStandingKinds> links;
    wire::Bytes report;
    int told = 0;
};

}  // namespace test_supervisor

using namespace test_supervisor;

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a plan, when its helper is started, then role, health and record know, with its report and process", "[core][T-14]")
{
    CHECK_FALSE(is_up());
    start();
    CHECK(is_up());
    CHECK(told == 1);
    REQUIRE(report.size() == 1);
    CHECK(report[0] == std::byte{42});
    REQUIRE(pen.events.size() == 1);
    CHECK(pen.events[0].what == What::helper_start);
    CHECK(pen.events[0].resource.view() == "parser");
    CHECK(pen.events[0].number == supervisor.pid_of(Kind::parser));
    CHECK(pen.events[0].outcome == proto::Outcome::success);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a helper that dies, when it has, then within 100 ms its role is told, it is on record, and another starts", "[core][T-14][CT-1]")
{
    start();
    pid_t const first = supervisor.pid_of(Kind::parser);
    CHECK(kill_it() <= 100ms);
    CHECK_FALSE(is_up());
    CHECK(::kill(first, 0) == -1);  // reaped
    REQUIRE(pen.events.size() == 2);
    CHECK(pen.events[1].what == What::helper_death);
    CHECK(pen.events[1].outcome == proto::Outcome::failure);
    CHECK(pen.events[1].number == first);
    run_until([&] { return ups.size() == 2; });
    CHECK(is_up());
    CHECK(told == 2);
    CHECK(supervisor.pid_of(Kind::parser) != first);
    CHECK(pen.count(What::helper_start) == 2);
    CHECK(downs.size() == 1);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a helper that dies again and again, when it is started anew, then each wait is longer, until it was stable", "[core][T-06]")
{
    start();
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 5; ++i) {
        (void)kill_it();
        run_until([&] { return ups.size() == downs.size() + 1; });
        waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(ups.back() - downs.back()));
    }
    CHECK(waits[0] >= 40ms);
    CHECK(waits[1] >= 80ms);
    CHECK(waits[2] >= 160ms);
    CHECK(waits[3] >= 320ms);
    CHECK(waits[4] >= 640ms);
    clock.advance(61s);
    (void)kill_it();
    run_until([&] { return ups.size() == downs.size() + 1; });
    CHECK(ups.back() - downs.back() < 320ms);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a role that reports a violation, when it does, then the helper is ended, recorded as that, and started anew", "[core][T-14]")
{
    start();
    pid_t const first = supervisor.pid_of(Kind::parser);
    supervisor.report_violation(Kind::parser);
    supervisor.report_violation(Kind::parser);
    run_until([&] { return ups.size() == 2; });
    CHECK(::kill(first, 0) == -1);
    CHECK(pen.count(What::helper_violation) == 1);
    CHECK(pen.count(What::helper_death) == 0);
    // What was said of the first is not held against the second.
    (void)kill_it();
    CHECK(pen.count(What::helper_violation) == 1);
    CHECK(pen.count(What::helper_death) == 1);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given helpers that start together, when all are ready, then each role hears, in the order asked for", "[core]")
{
    plan(Kind::custody, Play::good);
    std::array const kinds{Kind::parser, Kind::custody};
    REQUIRE(supervisor.start(kinds));
    run_until([&] { return heard.size() == 2; });
    CHECK(heard == std::vector{Kind::parser, Kind::custody});
    CHECK(is_up(Kind::custody));
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given helpers that start together, when one does not become ready, then start fails and it is not up", "[core][T-14]")
{
    plan(Kind::custody, Play::ends_at_once);
    std::array const kinds{Kind::parser, Kind::custody};
    CHECK_FALSE(supervisor.start(kinds));
    CHECK_FALSE(is_up(Kind::custody));
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a helper that does not become ready, when it is started, then start fails, nobody is told and no process is left", "[core][T-14]")
{
    plan(Kind::parser, Play::good);
    SECTION("it ends at once") { plan(Kind::parser, Play::ends_at_once); }
    SECTION("it says something else first") { plan(Kind::parser, Play::speaks_first); }
    SECTION("it says nothing for five seconds") { plan(Kind::parser, Play::never_ready); }
    SECTION("its descriptors cannot be made")
    {
        supervisor.plan(Kind::parser, {&role, wire::encode(Part{}), [] { return Result<std::vector<UniqueFd>>(fail(Fault::os, "none")); }, {}});
    }
    CHECK_FALSE(supervisor.start(Kind::parser));
    CHECK_FALSE(is_up());
    CHECK(told == 0);
    CHECK(pen.events.empty());
    bool turned = false;
    loop.post([&turned] { turned = true; });
    run_until([&] { return turned; });
    CHECK(ups.empty());
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a helper that will not start again, when its restart fails, then it is tried again and stays down meanwhile", "[core][T-14]")
{
    start();
    plan(Kind::parser, Play::ends_at_once);
    (void)kill_it();
    auto const give_it_back = loop.after(200ms, [this] { plan(Kind::parser, Play::good); });
    run_until([&] { return ups.size() == 2; });
    CHECK(downs.size() == 1);
    CHECK(ups[1] - downs[0] >= 200ms);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given audit that is down, when helpers die, then what happened is written once its writer is back", "[core][T-09][T-10]")
{
    plan(Kind::audit_writer, Play::good);
    start(Kind::audit_writer);
    start();
    auto const before = pen.events.size();
    pen.down = true;
    (void)kill_it(Kind::audit_writer);
    (void)kill_it();
    CHECK(pen.events.size() == before);
    pen.down = false;
    run_until([&] { return is_up(Kind::audit_writer) && is_up() && pen.count(What::helper_death) == 2; });
    CHECK(pen.count(What::helper_start) == 4);
    std::vector<std::string> dead;
    for (auto const& event : pen.events)
        if (event.what == What::helper_death) dead.emplace_back(event.resource.view());
    CHECK(std::ranges::count(dead, "audit-writer") == 1);
    CHECK(std::ranges::count(dead, "parser") == 1);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given the end, when helpers go, then none is started again but the launcher, and after stop no process is left", "[core][T-13]")
{
    plan(Kind::launcher, Play::good);
    start();
    start(Kind::launcher);
    supervisor.expect_ends();
    (void)kill_it();
    (void)kill_it(Kind::launcher);
    run_until([&] { return ups.size() == 3; });
    CHECK(is_up(Kind::launcher));
    CHECK_FALSE(is_up());
    CHECK(pen.count(What::helper_death) == 0);
    for (auto& link : links) link.reset();  // the role has let go: the launcher cleans up and ends by itself
    supervisor.stop();
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE_METHOD(SupervisorTest, "supervisor: given a helper, when it runs, then with an empty environment, three descriptors that lead nowhere, its link, and no signal ignored", "[core][T-12][T-14]")
{
    // What this program has at its standard input is not the helper's.
    auto const other = make_socket_pair().value();
    UniqueFd const input = duplicate(STDIN_FILENO).value();
    REQUIRE(::dup2(other.ours.get(), STDIN_FILENO) == STDIN_FILENO);
    ::signal(SIGUSR1, SIG_IGN);
    start();
    ::signal(SIGUSR1, SIG_DFL);
    REQUIRE(::dup2(input.get(), STDIN_FILENO) == STDIN_FILENO);
    auto const process = "/proc/" + std::to_string(supervisor.pid_of(Kind::parser));
    UniqueFd const environment(::open((process + "/environ").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(environment);
    char some[16];
    CHECK(::read(environment.get(), some, sizeof some) == 0);
    std::vector<std::string> open_ones;
    for (auto const& each : std::filesystem::directory_iterator(process + "/fd")) open_ones.push_back(each.path().filename());
    std::ranges::sort(open_ones);
    CHECK(open_ones == std::vector<std::string>{"0", "1", "2", "3"});
    for (auto const* const each : {"/fd/0", "/fd/1"}) CHECK(std::filesystem::read_symlink(process + each) == "/dev/null");
    std::ifstream status(process + "/status");
    std::uint64_t ignored = ~0ull;
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("SigIgn:")) ignored = std::stoull(line.substr(7), nullptr, 16);
    CHECK(ignored == 1ull << (SIGPIPE - 1));
}

int main(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && std::string_view(argv[1]) == "helper") return play(argv[2]);
    return Catch::Session().run(argc, argv);
}
