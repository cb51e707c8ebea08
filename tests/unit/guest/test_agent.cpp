// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/agent. Checks the agent over a real channel, in a process of its own, without a sandbox around it.

#include "unit/guest/agent_fixture.h"

#include <catch2/generators/catch_generators.hpp>

namespace test_agent {

TEST_CASE_METHOD(AgentTest, "agent: given a command, when run, then both outputs come in order and the status is said", "[guest][SX-3]")
{
    welcome();
    auto const answer = run("echo a; echo b >&2; echo c; exit 3");
    CHECK(answer.output == "a\nb\nc\n");
    CHECK(answer.exited.status == 3);
    CHECK(answer.exited.output_bytes == 6);
    CHECK(run("kill -9 $$").exited.status == 137);
    CHECK(run("true").output.empty());
}

TEST_CASE_METHOD(AgentTest, "agent: given a command, when it looks around, then it finds only what it may have", "[guest][SX-4][T-12]")
{
    ::setenv("SOME_API_KEY", "secret", 1);
    welcome();
    auto const names = run("env | cut -d= -f1 | sort | tr '\\n' ' '").output;
    CHECK(names.find("SOME_API_KEY") == std::string::npos);
    CHECK(run("echo $HOME $TERM $LANG; pwd; ulimit -c").output == home + " dumb C.UTF-8\n" + home + "\n0\n");
    // Descriptors: no channel, nothing of the agent; its input is empty.
    CHECK(run("cat; for i in 0 1 2 3 4 5 6 7 8 9 10 11; do [ -e /proc/$$/fd/$i ] && echo -n $i; done").output == "012");
    CHECK(run("grep NoNewPrivs /proc/self/status").output == "NoNewPrivs:\t1\n");
    ::unsetenv("SOME_API_KEY");
}

TEST_CASE_METHOD(AgentTest, "agent: given a long command, when run, then no argument limit is met", "[guest][SX-3]")
{
    welcome();
    auto const answer = run("echo '" + std::string(900'000, 'x') + "' | wc -c; exit 5");
    CHECK(answer.output == "900001\n");
    CHECK(answer.exited.status == 5);
}

TEST_CASE_METHOD(
    AgentTest, "agent: given a flood, when over the bound, then it is counted, dropped, and ends with its tail", "[guest][SX-5][T-06]")
{
    welcome();
    auto const answer = run("head -c 3000000 /dev/zero | tr '\\0' x; echo end", 100'000);
    CHECK(answer.output.size() == 100'000);
    CHECK(answer.tail.size() == proto::kGuestTailBytesMax);
    CHECK(answer.tail.ends_with("xend\n"));
    CHECK(answer.exited.output_bytes == 3'000'004);
}

TEST_CASE_METHOD(
    AgentTest, "agent: given a background process that holds the pipe, when the shell ends, then so does the call", "[guest][SX-3]")
{
    welcome();
    CHECK(run("sleep 1000 & echo started").output == "started\n");
    // And it lives on, though it writes to a pipe that nobody answers for.
    CHECK(run("(while sleep 0.01; do echo x; done) & echo $! > pid").exited.status == 0);
    CHECK(run("sleep 0.1; kill -9 $(cat pid) && echo alive").output == "alive\n");
    // One that never stops writing does not hold it either.
    CHECK(run("yes & echo $! > pid").exited.status == 0);
    CHECK(run("kill -9 $(cat pid)").exited.status == 0);
}

TEST_CASE_METHOD(AgentTest, "agent: given a running group, when signalled, then all of it dies", "[guest][GW-6][T-17]")
{
    welcome();
    send(proto::GuestRun{{1}, 1u << 20, "sleep 1000 & echo $!; sleep 1000"});
    auto const frame = receive();
    auto const child = std::stoi(wire::decode<proto::GuestOutput>(frame.body)->bytes.str());
    send(proto::GuestSignal{{1}});
    CHECK(collect(1).exited.status == 137);
    // The orphan is reaped by the agent: its number is gone, not a zombie.
    CHECK(run("kill -0 " + std::to_string(child) + " 2>/dev/null || echo gone").output == "gone\n");
    send(proto::GuestSignal{{77}});
    CHECK(run("echo still here").output == "still here\n");
}

TEST_CASE_METHOD(AgentTest, "agent: given a flood and a reader that stops, when signalled, then it still hears", "[guest][T-17]")
{
    welcome();
    send(proto::GuestRun{{1}, ~0ull, "yes"});
    (void)receive();
    send(proto::GuestSignal{{1}});
    CHECK(collect(1).exited.status == 137);
}

TEST_CASE_METHOD(AgentTest, "agent: given more calls than it takes, when asked, then the rest fail", "[guest][T-06]")
{
    welcome();
    for (std::uint64_t id = 1; id <= proto::kGuestCallsMax; ++id) send(proto::GuestRun{{id}, 1000, "sleep 1000"});
    send(proto::GuestRun{{99}, 1000, "true"});
    auto const frame = receive();
    CHECK(frame.type == proto::Type::guest_failed);
    CHECK(wire::decode<proto::GuestFailed>(frame.body)->call.value == 99);
}

TEST_CASE_METHOD(AgentTest, "agent: given a file tool, when asked, then it runs in a child and says what its bytes are", "[guest][SX-8]")
{
    welcome();
    proto::GuestFile file{{1}, {}};
    file.arguments.tool = proto::Tool::create_file;
    file.arguments.path = "made/here.txt";
    file.arguments.text = "hello\n";
    send(file);
    CHECK(collect(1).ended_by == proto::Type::guest_file_done);
    CHECK(run("cat made/here.txt").output == "hello\n");
    file.arguments.tool = proto::Tool::view;
    send(file);
    CHECK(collect(1).output == "     1\thello");
}

TEST_CASE_METHOD(AgentTest, "agent: given its channel closes, when calls run, then they die and it ends", "[guest][T-13]")
{
    welcome();
    send(proto::GuestRun{{1}, 1000, "echo $$; sleep 1000"});
    auto const shell = std::stoi(wire::decode<proto::GuestOutput>(receive().body)->bytes.str());
    channel.reset();
    CHECK(wait_for_end() == 0);
    // Nobody reaps it here, so it may be a zombie: it must not be running.
    CHECK((::kill(shell, 0) != 0 || ::waitpid(shell, nullptr, 0) == -1));
}

TEST_CASE_METHOD(AgentTest, "agent: given what it may not hear, when it arrives, then it ends", "[guest][SX-3]")
{
    SECTION("a call before the welcome") { send(proto::GuestRun{{1}, 1000, "true"}); }
    SECTION("a second welcome")
    {
        welcome();
        send(proto::GuestWelcome{"token", {}});
    }
    SECTION("its own kind of message") { send(proto::GuestExited{{1}, 0, 0}); }
    CHECK(receive().type == proto::Type{});
    CHECK(wait_for_end() == 0);
}

TEST_CASE_METHOD(AgentTest, "agent: given variables, when a command runs, then it has them besides the fixed ones", "[guest][SX-4][EG-7]")
{
    proto::GuestVariables variables;
    variables.push({"API_TOKEN", "ocu-scoped-a b"});
    send(proto::GuestWelcome{"token", variables});
    REQUIRE(receive().type == proto::Type::guest_ready);
    CHECK(run("echo \"$API_TOKEN,$HOME\"").output == "ocu-scoped-a b," + home + "\n");
}

TEST_CASE_METHOD(AgentTest, "agent: given a variable that may not be set, when welcomed, then it closes its channel", "[guest][SX-4][T-07]")
{
    proto::GuestVariables variables;
    bool const by_name = GENERATE(true, false);
    variables.push({by_name ? "LD_PRELOAD" : "A", by_name ? "x" : "a\nb"});
    send(proto::GuestWelcome{"token", variables});
    CHECK(receive().type == proto::Type{});
}

}  // namespace test_agent
