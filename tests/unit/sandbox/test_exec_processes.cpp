// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/exec_processes and the process tools' part of exec_calls, against a guest that says anything.

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "sandbox/exec_calls.h"
#include "sandbox/exec_limits.h"

namespace test_exec_processes {

using namespace ocu;
using namespace ocu::sandbox;
using namespace std::chrono_literals;
using proto::ProcessOutcome;
using proto::Reason;
using proto::Tool;

struct ExecProcessesTest {
    struct Said {
        proto::Type type;
        wire::Bytes body;
    };

    ExecProcessesTest() { REQUIRE(calls.guest_says(proto::GuestReady{"token"})); }

    void ask(std::uint64_t id, Tool tool, std::uint32_t process, auto change)
    {
        proto::ToolArguments arguments;
        arguments.tool = tool;
        arguments.process.process = process;
        arguments.process.wait = 2s;
        change(arguments);
        calls.call({{id}, arguments, false});
    }
    void ask(std::uint64_t id, Tool tool, std::uint32_t process = 0)
    {
        ask(id, tool, process, [](auto&) {});
    }
    void start(std::uint64_t id, std::string const& command = "server", std::chrono::milliseconds timeout = 0ms)
    {
        ask(id, Tool::process_start, 0, [&](proto::ToolArguments& arguments) { arguments.command = command, arguments.timeout = timeout; });
    }
    void piece(std::uint64_t id, std::string const& bytes, std::uint64_t first, std::uint64_t end = 0)
    {
        if (!bytes.empty()) REQUIRE(calls.guest_says(proto::GuestOutput{{id}, false, bytes}));
        auto const next = first + bytes.size();
        REQUIRE(calls.guest_says(proto::GuestProcessDone{{id}, ProcessOutcome::done, first, next, std::max(next, end)}));
    }
    // Process 1, running.
    void started()
    {
        start(1);
        piece(1, "hello\r\n", 0);
    }
    template <class Message>
    std::vector<Message> told(std::vector<Said> const& said) const
    {
        std::vector<Message> out;
        for (auto const& each : said)
            if (each.type == Message::kType) out.push_back(wire::decode<Message>(each.body).value());
        return out;
    }
    proto::ToolAnswer answer(std::uint64_t id) const
    {
        std::vector<proto::ToolAnswer> found;
        for (auto const& done : told<proto::ExecDone>(to_sandbox))
            if (done.call.value == id) found.push_back(done.answer);
        REQUIRE(found.size() == 1);
        return found.front();
    }
    proto::GuestProcess last_asked() const { return told<proto::GuestProcess>(to_guest).back(); }

    ManualClock clock;
    std::vector<Said> to_guest;
    std::vector<Said> to_sandbox;
    ExecCalls calls{clock, {"token", 100'000, 30s, {}},
        {[this](std::uint16_t type, wire::Bytes body) { to_guest.push_back({static_cast<proto::Type>(type), std::move(body)}); },
            [this](std::uint16_t type, wire::Bytes body) { to_sandbox.push_back({static_cast<proto::Type>(type), std::move(body)}); }}};
};

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given a start, when its output comes, then the answer has the number, the text and the state", "[sandbox][SX-3]")
{
    started();
    auto const got = answer(1);
    CHECK(got.body.view() == "hello\n[Process 1 is running. Output up to byte 7]");
    CHECK(got.process == 1);
    CHECK_FALSE(got.is_error);
    CHECK_FALSE(got.has_exit);
    start(2);
    CHECK(last_asked().process == 2);
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given reads in order and by place, when asked, then each begins where it should", "[sandbox][SX-3]")
{
    started();
    ask(2, Tool::process_read, 1);
    CHECK(last_asked().from == 7);
    piece(2, "\x1b[1mmore\x1b[0m", 7, 500);
    CHECK(answer(2).body.view() == "more\n[Process 1 is running. Output up to byte 19 of 500: read again for more]");
    ask(3, Tool::process_read, 1, [](auto& arguments) { arguments.process.has_from = true, arguments.process.from = 3, arguments.process.raw = true; });
    CHECK(last_asked().from == 3);
    piece(3, "\x1b[1m", 3);
    CHECK(answer(3).body.view().starts_with("\x1b[1m"));
    ask(4, Tool::process_read, 1);
    CHECK(last_asked().from == 19);
    piece(4, "", 19);
    CHECK(answer(4).body.view() == "[Process 1 is running. No new output up to byte 19]");
    ask(5, Tool::process_read, 1);
    piece(5, "late", 300'000);
    CHECK(answer(5).body.view().starts_with("[... 299981 bytes were written over before they were read ...]\nlate\n"));
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given an end, when told, then it is reported once and reads still answer", "[sandbox][SX-3][SX-9]")
{
    started();
    clock.advance(5s);
    REQUIRE(calls.guest_says(proto::GuestProcessEnded{1, 3, 7}));
    auto const ends = told<proto::ExecProcessEnded>(to_sandbox);
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].status == 3);
    CHECK(ends[0].output_bytes == 7);
    CHECK(ends[0].duration == 5s);
    CHECK_FALSE(ends[0].timed_out);
    ask(2, Tool::process_read, 1);
    piece(2, "", 7);
    CHECK(answer(2).body.view() == "[Process 1 has ended: exit code 3. No new output up to byte 7]");
    CHECK_FALSE(calls.guest_says(proto::GuestProcessEnded{1, 3, 7}));
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given no such process or an ended one, when used, then the reason says which", "[sandbox][SX-3]")
{
    ask(1, Tool::process_read, 1);
    CHECK(answer(1).reason == Reason::unknown_process);
    start(2);
    piece(2, "", 0);
    REQUIRE(calls.guest_says(proto::GuestProcessEnded{1, 0, 0}));
    for (auto const tool : {Tool::process_write, Tool::process_signal}) {
        auto const id = 10 + static_cast<std::uint64_t>(tool);
        ask(id, tool, 1);
        CHECK(answer(id).reason == Reason::process_ended);
    }
    CHECK(told<proto::GuestProcess>(to_guest).size() == 1);
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given as many as are held, when one more starts, then the oldest that ended gives way, or it is refused", "[sandbox][T-06]")
{
    for (std::uint64_t id = 1; id <= proto::kProcessesMax; ++id) {
        start(id);
        piece(id, "", 0);
    }
    start(100);
    CHECK(answer(100).reason == Reason::too_many_processes);
    REQUIRE(calls.guest_says(proto::GuestProcessEnded{7, 0, 0}));
    clock.advance(1s);
    REQUIRE(calls.guest_says(proto::GuestProcessEnded{3, 0, 0}));
    start(101);
    auto const orders = told<proto::GuestProcessOrder>(to_guest);
    REQUIRE(orders.size() == 1);
    CHECK(orders[0].process == 7);
    CHECK(orders[0].order == proto::ProcessOrder::forget);
    CHECK(last_asked().process == proto::kProcessesMax + 1);
    ask(102, Tool::process_read, 7);
    CHECK(answer(102).reason == Reason::unknown_process);
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given a time of its own, when it is over, then the guest is told to kill, and lost if it does not", "[sandbox][SX-3][T-17]")
{
    start(1, "server", 5s);
    piece(1, "", 0);
    CHECK(calls.next_moment() == clock.now() + 5s);
    clock.advance(5s);
    calls.advance();
    auto const orders = told<proto::GuestProcessOrder>(to_guest);
    REQUIRE(orders.size() == 1);
    CHECK(orders[0].order == proto::ProcessOrder::kill);
    SECTION("it says so")
    {
        REQUIRE(calls.guest_says(proto::GuestProcessEnded{1, 137, 0}));
        CHECK(told<proto::ExecProcessEnded>(to_sandbox)[0].timed_out);
        ask(2, Tool::process_read, 1);
        piece(2, "", 0);
        CHECK(answer(2).body.view() == "[Process 1 has been ended: its 5 s were over. No new output up to byte 0]");
        CHECK_FALSE(calls.next_moment().has_value());
    }
    SECTION("it does not")
    {
        clock.advance(kKillAnswerMax);
        calls.advance();
        CHECK(calls.guest_is_lost());
    }
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given a read that the guest does not answer in time, when hurried, then it has a last chance", "[sandbox][T-07]")
{
    started();
    ask(2, Tool::process_read, 1);
    clock.advance(2s + kProcessAnswerMax);
    calls.advance();
    CHECK(told<proto::GuestSignal>(to_guest).size() == 1);
    SECTION("taken")
    {
        piece(2, "x", 7);
        CHECK(answer(2).body.view().starts_with("x\n"));
        CHECK_FALSE(answer(2).is_error);
    }
    SECTION("not taken")
    {
        clock.advance(kKillAnswerMax);
        calls.advance();
        CHECK(calls.guest_is_lost());
    }
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given a cancelled call, when it ends, then a read keeps its place and what a start began is killed", "[sandbox][SX-3]")
{
    started();
    ask(2, Tool::process_read, 1);
    calls.cancel({2});
    piece(2, "unheard", 7);
    CHECK(answer(2).reason == Reason::cancelled);
    CHECK(told<proto::GuestProcessOrder>(to_guest).empty());
    ask(3, Tool::process_read, 1);
    CHECK(last_asked().from == 7);
    start(4);
    calls.cancel({4});
    auto const orders = told<proto::GuestProcessOrder>(to_guest);
    REQUIRE(orders.size() == 1);
    CHECK(orders[0].process == 2);
    CHECK(orders[0].order == proto::ProcessOrder::kill);
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given nothing started or input that is not read, when answered, then it is said", "[sandbox][SX-3]")
{
    start(1);
    REQUIRE(calls.guest_says(proto::GuestProcessDone{{1}, ProcessOutcome::not_started, 0, 0, 0}));
    CHECK(answer(1).is_error);
    CHECK(answer(1).process == 0);
    ask(2, Tool::process_read, 1);
    CHECK(answer(2).reason == Reason::unknown_process);
    start(3);
    piece(3, "", 0);
    ask(4, Tool::process_write, 2);
    REQUIRE(calls.guest_says(proto::GuestProcessDone{{4}, ProcessOutcome::input_full, 0, 0, 0}));
    CHECK(answer(4).reason == Reason::process_input_full);
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given what no agent would say, when it says it, then it is lost", "[sandbox][T-07][T-14]")
{
    started();
    ask(2, Tool::process_read, 1);
    using Done = proto::GuestProcessDone;
    SECTION("more than it sent") { CHECK_FALSE(calls.guest_says(Done{{2}, ProcessOutcome::done, 0, 5, 5})); }
    SECTION("places in disorder") { CHECK_FALSE(calls.guest_says(Done{{2}, ProcessOutcome::done, 5, 5, 4})); }
    SECTION("a read that did not start") { CHECK_FALSE(calls.guest_says(Done{{2}, ProcessOutcome::not_started, 0, 0, 0})); }
    SECTION("a read that is full") { CHECK_FALSE(calls.guest_says(Done{{2}, ProcessOutcome::input_full, 0, 0, 0})); }
    SECTION("the answer of another kind of call") { CHECK_FALSE(calls.guest_says(proto::GuestExited{{2}, 0, 0})); }
    SECTION("a file's answer") { CHECK_FALSE(calls.guest_says(proto::GuestFileDone{{2}, proto::FileOutcome::text})); }
    SECTION("a tail") { CHECK_FALSE(calls.guest_says(proto::GuestOutput{{2}, true, "x"})); }
    SECTION("the end of what nobody started") { CHECK_FALSE(calls.guest_says(proto::GuestProcessEnded{2, 0, 0})); }
    SECTION("more than an answer holds")
    {
        std::string const most(proto::kGuestOutputBytesMax, 'x');
        CHECK(calls.guest_says(proto::GuestOutput{{2}, false, most}));
        CHECK_FALSE(calls.guest_says(proto::GuestOutput{{2}, false, most}));
    }
}

TEST_CASE_METHOD(ExecProcessesTest, "exec_processes: given a few, when listed, then each has its line, and the guest is not asked", "[sandbox][SX-3]")
{
    ask(1, Tool::process_list);
    CHECK(answer(1).body.view().contains("No processes"));
    start(2, "one\n" + std::string(300, 'x'));
    piece(2, "", 0);
    start(3, "two");
    piece(3, "", 0);
    REQUIRE(calls.guest_says(proto::GuestProcessEnded{2, 1, 0}));
    clock.advance(61s);
    auto const asked = to_guest.size();
    ask(4, Tool::process_list);
    auto const text = answer(4).body.str();
    CHECK(text.starts_with("1  is running  started 61 s ago  one xxx"));
    CHECK(text.ends_with("2  has ended: exit code 1  started 61 s ago  two\n"));
    CHECK(text.size() < 400);
    CHECK(to_guest.size() == asked);
}

}  // namespace test_exec_processes
