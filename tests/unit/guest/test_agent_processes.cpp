// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/processes over the agent's channel: programs with terminals of their own, real ones.

#include "unit/guest/agent_fixture.h"

#include "guest/ring.h"

namespace test_agent_processes {

using namespace ocu;
using namespace std::chrono_literals;
using proto::ProcessDeed;
using proto::ProcessOutcome;

struct Piece {
    std::string output;
    proto::GuestProcessDone done;
    std::vector<proto::GuestProcessEnded> ended;  // told before it
    proto::Type last{};
};

struct ProcessesTest : test_agent::AgentTest {
    ProcessesTest() { welcome(); }

    Piece collect_piece()
    {
        Piece piece;
        for (;;) {
            auto const frame = receive();
            piece.last = frame.type;
            if (frame.type == proto::Type::guest_output) {
                piece.output += wire::decode<proto::GuestOutput>(frame.body).value().bytes.view();
            } else if (frame.type == proto::Type::guest_process_ended) {
                piece.ended.push_back(wire::decode<proto::GuestProcessEnded>(frame.body).value());
            } else {
                if (frame.type == proto::Type::guest_process_done) piece.done = wire::decode<proto::GuestProcessDone>(frame.body).value();
                return piece;
            }
        }
    }
    Piece ask(proto::GuestProcess asked)
    {
        asked.call = {++last_call};
        if (asked.wait == 0ms) asked.wait = 10s;
        if (asked.deed == ProcessDeed::start && asked.rows == 0) asked.rows = 24, asked.columns = 80;
        send(asked);
        return collect_piece();
    }
    Piece start(std::uint32_t number, std::string const& command) { return ask({.process = number, .deed = ProcessDeed::start, .text = command}); }
    Piece read(std::uint32_t number, std::uint64_t from, std::chrono::milliseconds wait = 10s)
    {
        return ask({.process = number, .deed = ProcessDeed::read, .wait = wait, .from = from});
    }
    Piece write(std::uint32_t number, std::string const& text, std::uint64_t from)
    {
        return ask({.process = number, .deed = ProcessDeed::write, .from = from, .text = text});
    }
    // All that it wrote, once it has ended.
    std::string until_end(std::uint32_t number, Piece piece)
    {
        std::string all = piece.output;
        while (piece.ended.empty()) {
            REQUIRE(piece.last == proto::Type::guest_process_done);
            piece = read(number, piece.done.next);
            all += piece.output;
        }
        status = piece.ended[0].status;
        return all;
    }

    std::uint64_t last_call = 0;
    std::int32_t status = -1;
};

TEST_CASE_METHOD(ProcessesTest, "processes: given a program, when started, then it has a terminal of the size that was asked for", "[guest][SX-3]")
{
    auto const piece = ask({.process = 1, .deed = ProcessDeed::start, .rows = 33, .columns = 111, .text = "tty; stty size; echo $TERM; exit 3"});
    auto const all = until_end(1, piece);
    CHECK(all.starts_with("/dev/pts/"));
    CHECK(all.ends_with("33 111\r\nxterm-256color\r\n"));
    CHECK(status == 3);
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a running one, when typed into, then it answers and goes on", "[guest][SX-3]")
{
    auto first = start(4, "echo ready; while read -r line; do echo \"got $line\"; done; echo over");
    CHECK(first.output == "ready\r\n");
    auto second = write(4, "a\nb\n", first.done.next);
    std::string heard = second.output;
    for (auto piece = second; !heard.contains("got b"); heard += piece.output) piece = read(4, piece.done.next);
    CHECK(heard.contains("got a\r\n"));
    auto const all = until_end(4, write(4, "\x04", first.done.next + heard.size()));
    CHECK(all.ends_with("over\r\n"));
    CHECK(status == 0);
    CHECK(read(4, 0).output.starts_with("ready\r\n"));  // what it wrote can be read again
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a size that changes, when signalled, then the program is told and sees it", "[guest][SX-3]")
{
    auto const first = start(1, "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done");
    CHECK(first.output == "ready\r\n");
    auto const all = until_end(1, ask({.process = 1, .deed = ProcessDeed::signal, .rows = 50, .columns = 132, .signal = 28, .from = first.done.next}));
    CHECK(all == "50 132\r\n");
}

TEST_CASE_METHOD(ProcessesTest, "processes: given Ctrl-C or a signal, when it comes, then the whole foreground gets it", "[guest][SX-3]")
{
    auto const first = start(1, "echo ready; sleep 1000 | cat");
    (void)until_end(1, write(1, "\x03", first.done.next));
    CHECK(status == 130);
    auto const second = start(2, "echo ready; sleep 1000 | cat");
    (void)until_end(2, ask({.process = 2, .deed = ProcessDeed::signal, .signal = SIGTERM, .from = second.done.next}));
    CHECK(status == 143);
}

TEST_CASE_METHOD(ProcessesTest, "processes: given job control, when killed, then a job in a group of its own goes too", "[guest][SX-3]")
{
    auto const first = start(1, "set -m; echo ready; bash -c 'echo $$ > job; sleep 1000'");
    std::string const job = home + "/job";
    while (!std::filesystem::exists(job) || std::filesystem::file_size(job) == 0) (void)read(1, first.done.next, 20ms);
    send(proto::GuestProcessOrder{1, proto::ProcessOrder::kill});
    (void)until_end(1, read(1, first.done.next));
    CHECK(status == 137);
    CHECK(run("while kill -0 $(cat job) 2>/dev/null; do sleep 0.02; done; echo gone").output == "gone\n");
}

TEST_CASE_METHOD(ProcessesTest, "processes: given job control, when signalled, then the job in the foreground hears it", "[guest][SX-3]")
{
    // No program in it that the signal would end: its end would be told on the terminal.
    auto const piece = start(1, "set -m; trap : USR1; bash -c 'trap \"echo caught\" USR1; echo ready; while :; do read -rt 0.02; done'");
    REQUIRE(piece.output == "ready\r\n");
    CHECK(ask({.process = 1, .deed = ProcessDeed::signal, .signal = SIGUSR1, .from = piece.done.next}).output == "caught\r\n");
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a limit of CPU time, when it is used up, then the program is ended and others are not", "[guest][SX-3]")
{
    auto const piece = ask({.process = 1, .deed = ProcessDeed::start, .cpu_max = 1s, .text = "while :; do :; done"});
    (void)start(2, "echo here; sleep 1000");
    (void)until_end(1, piece);
    CHECK((status == 128 + SIGXCPU || status == 137));
    CHECK(read(2, 0).ended.empty());
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a flood that nobody reads, when it runs, then the newest is kept and the agent answers", "[guest][SX-5][T-06]")
{
    (void)start(1, "for ((i = 0; i < 40000; ++i)); do echo line-$i-filler; done; echo last; read");
    CHECK(run("echo alive").output == "alive\n");
    Piece piece;
    do piece = read(1, 0, 50ms);
    while (piece.done.end < 40'000 * 12);
    for (auto end = piece.done.end; read(1, end, 200ms).done.end != end;) end = read(1, end, 200ms).done.end;
    piece = read(1, 0);
    CHECK(piece.done.first == piece.done.end - guest::kRingBytes);
    CHECK(piece.done.next - piece.done.first == proto::kProcessAnswerBytesMax);
    CHECK(read(1, piece.done.end - 6).output == "last\r\n");
    CHECK(read(1, piece.done.end + 5, 20ms).output.empty());
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a character at an answer's end, when it would be cut, then it stays for the next", "[guest][SX-3]")
{
    // 3 bytes each, so that 30,000 bytes end within none; one byte before them moves the end into one.
    (void)until_end(1, start(1, "printf x; for i in {1..10100}; do printf '\\u20ac'; done"));
    auto const piece = read(1, 0);
    CHECK(piece.output.size() == 29'998);
    CHECK(read(1, piece.done.next).output.starts_with("\xe2\x82\xac"));
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a program that does not read, when too much is typed, then nothing of it is taken", "[guest][SX-5][T-06]")
{
    auto const first = start(1, "stty raw -echo; echo ready; exec sleep 1000");
    std::string const much(proto::kProcessInputBytesMax, 'x');
    std::size_t taken = 0;
    Piece piece;
    do piece = ask({.process = 1, .deed = ProcessDeed::write, .wait = 1ms, .from = first.done.next, .text = much});
    while (piece.done.outcome == ProcessOutcome::done && ++taken < 20);
    CHECK(piece.done.outcome == ProcessOutcome::input_full);
    CHECK(taken >= 1);
    CHECK(taken < 20);
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a waiting read, when its call is signalled, then it is answered with what there is", "[guest][SX-3]")
{
    auto const first = start(1, "echo ready; sleep 1000");
    send(proto::GuestProcess{.call = {77}, .process = 1, .deed = ProcessDeed::read, .wait = 30s, .from = first.done.next});
    CHECK(run("echo meanwhile").output == "meanwhile\n");
    send(proto::GuestSignal{{77}});
    auto const piece = collect_piece();
    CHECK(piece.done.call.value == 77);
    CHECK(piece.output.empty());
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a terminal that nobody holds, when its program runs on, then the agent is idle", "[guest][SX-5]")
{
    auto const first = start(1, "echo ready; exec sleep 1000 < /dev/null > /dev/null 2>&1");
    auto const before = read(1, first.done.next, 50ms);
    auto const ticks = [this] { return run("tail -c +0 /proc/" + std::to_string(pid) + "/stat | cut -d' ' -f14,15").output; };
    auto const used = ticks();
    (void)read(1, before.done.next, 1s);
    int user = 0, system = 0, user_before = 0, system_before = 0;
    REQUIRE(std::sscanf(used.c_str(), "%d %d", &user_before, &system_before) == 2);
    REQUIRE(std::sscanf(ticks().c_str(), "%d %d", &user, &system) == 2);
    CHECK(user + system - user_before - system_before < 30);  // of 100
}

TEST_CASE_METHOD(ProcessesTest, "processes: given ended and forgotten, when its number comes again, then it is a new program", "[guest][SX-3]")
{
    (void)until_end(1, start(1, "echo one"));
    send(proto::GuestProcessOrder{1, proto::ProcessOrder::forget});
    CHECK(until_end(1, start(1, "echo two")) == "two\r\n");
}

TEST_CASE_METHOD(ProcessesTest, "processes: given a number that nobody has or that is taken, when asked, then the channel is broken off", "[guest][T-14]")
{
    SECTION("nobody's") { send(proto::GuestProcess{.call = {1}, .process = 9, .deed = ProcessDeed::read}); }
    SECTION("nobody's, ordered") { send(proto::GuestProcessOrder{9, proto::ProcessOrder::kill}); }
    SECTION("taken")
    {
        (void)start(9, "sleep 1000");
        send(proto::GuestProcess{.call = {1}, .process = 9, .deed = ProcessDeed::start, .rows = 1, .columns = 1, .text = "echo"});
    }
    SECTION("forgotten while it runs")
    {
        (void)start(9, "echo ready; sleep 1000");
        send(proto::GuestProcessOrder{9, proto::ProcessOrder::forget});
    }
    CHECK(receive().type == proto::Type{});
}

}  // namespace test_agent_processes
