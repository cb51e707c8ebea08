// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/exec_calls and exec_face. Checks one session's calls against a guest that says anything, with a clock that moves
// only when told to.

#include "sandbox/exec_calls.h"

#include "sandbox/exec_limits.h"

namespace test_exec_calls {

using namespace ocu;
using namespace ocu::sandbox;
using namespace std::chrono_literals;
using proto::FileOutcome;
using proto::Reason;

struct ExecCallsTest {
    struct Said {
        proto::Type type;
        wire::Bytes body;
    };

    void be_ready() { REQUIRE(calls.guest_says(proto::GuestReady{"token"})); }
    void bash(std::uint64_t id, std::string const& command = "x", bool progress = false, std::chrono::milliseconds timeout = 60s)
    {
        proto::ToolArguments arguments;
        arguments.command = command;
        arguments.timeout = timeout;
        calls.call({{id}, arguments, progress});
    }
    void file(std::uint64_t id, proto::Tool tool)
    {
        proto::ToolArguments arguments;
        arguments.tool = tool;
        arguments.path = "/f";
        calls.call({{id}, arguments, false});
    }
    void say(std::uint64_t id, std::string const& bytes, bool tail = false)
    {
        REQUIRE(calls.guest_says(proto::GuestOutput{{id}, tail, bytes}));
    }
    std::size_t count(std::vector<Said> const& said, proto::Type type) const
    {
        return static_cast<std::size_t>(std::ranges::count(said, type, &Said::type));
    }
    // The only answer so far to this call.
    proto::ToolAnswer answer(std::uint64_t id) const
    {
        std::vector<proto::ToolAnswer> found;
        for (auto const& each : to_sandbox) {
            if (each.type != proto::Type::exec_done) continue;
            auto const done = wire::decode<proto::ExecDone>(each.body).value();
            if (done.call.value == id) found.push_back(done.answer);
        }
        REQUIRE(found.size() == 1);
        return found.front();
    }

    ManualClock clock;
    std::vector<Said> to_guest;
    std::vector<Said> to_sandbox;
    ExecCalls calls{clock, {"token", 100'000, 30s, {}},
        {[this](std::uint16_t type, wire::Bytes body) { to_guest.push_back({static_cast<proto::Type>(type), std::move(body)}); },
            [this](std::uint16_t type, wire::Bytes body) { to_sandbox.push_back({static_cast<proto::Type>(type), std::move(body)}); }}};
};

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given the token echoed, when calls come, then they go to the guest and are answered", "[sandbox][SX-8]")
{
    CHECK(count(to_guest, proto::Type::guest_welcome) == 1);
    be_ready();
    CHECK(count(to_sandbox, proto::Type::exec_ready) == 1);
    bash(1, "echo");
    CHECK(count(to_guest, proto::Type::guest_run) == 1);
    say(1, "out\n");
    clock.advance(250ms);
    CHECK(calls.guest_says(proto::GuestExited{{1}, 0, 4}));
    auto const got = answer(1);
    CHECK(got.reason == Reason::none);
    CHECK(got.body.view() == "out\n");
    CHECK(got.has_exit);
    CHECK_FALSE(got.is_error);
    CHECK(got.output_bytes == 4);
    CHECK(got.duration == 250ms);
    CHECK_FALSE(calls.next_moment().has_value());
}

TEST_CASE_METHOD(ExecCallsTest, "exec_calls: given a guest in which nothing runs, when it says so, then that is told once until it is called again",
    "[sandbox][SX-6][T-07]")
{
    CHECK_FALSE(calls.guest_says(proto::GuestIdle{}));  // before the token
    be_ready();
    for (int i = 0; i < 3; ++i) CHECK(calls.guest_says(proto::GuestIdle{}));
    CHECK(count(to_sandbox, proto::Type::exec_idle) == 1);
    bash(1);
    CHECK(calls.guest_says(proto::GuestIdle{}));  // it had not heard of the call
    CHECK(count(to_sandbox, proto::Type::exec_idle) == 1);
    CHECK(calls.guest_says(proto::GuestExited{{1}, 0, 0}));
    for (int i = 0; i < 3; ++i) CHECK(calls.guest_says(proto::GuestIdle{}));
    CHECK(count(to_sandbox, proto::Type::exec_idle) == 2);
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given a guest not ready, lost or full, when called, then each call is refused at once", "[sandbox][T-06]")
{
    bash(1);
    CHECK(answer(1).reason == Reason::role_unavailable);
    be_ready();
    for (std::uint64_t id = 10; id < 10 + kCallsMax; ++id) bash(id);
    bash(2);
    CHECK(answer(2).reason == Reason::too_many_calls);
    calls.lose_guest(GuestLost::went_away);
    CHECK(answer(10).reason == Reason::session_ended);
    bash(3);
    CHECK(answer(3).reason == Reason::session_ended);
    calls.lose_guest(GuestLost::went_away);
    CHECK(count(to_sandbox, proto::Type::exec_guest_gone) == 1);
    CHECK(to_sandbox.back().type == proto::Type::exec_done);
}

TEST_CASE_METHOD(ExecCallsTest, "exec_calls: given a non-zero exit, when answered, then it is a result", "[sandbox][SX-8]")
{
    be_ready();
    bash(1, "grep x f");
    REQUIRE(calls.guest_says(proto::GuestExited{{1}, 1, 0}));
    CHECK(answer(1).exit_status == 1);
    CHECK_FALSE(answer(1).is_error);
    CHECK(answer(1).body.view() == "[No matches found (exit code 1)]");
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given a timeout, when it is over, then the group is killed and the answer says so", "[sandbox][T-17]")
{
    be_ready();
    bash(1, "sleep", false, 5s);
    CHECK(calls.next_moment() == clock.now() + 5s);
    clock.advance(4'999ms);
    calls.advance();
    CHECK(count(to_guest, proto::Type::guest_signal) == 0);
    clock.advance(1ms);
    calls.advance();
    calls.advance();
    CHECK(count(to_guest, proto::Type::guest_signal) == 1);
    say(1, "last words");
    REQUIRE(calls.guest_says(proto::GuestExited{{1}, 137, 10}));
    CHECK(answer(1).timed_out);
    CHECK(answer(1).body.view() == "last words\n[Timed out after 5 s: the command and its process group were killed]");
    CHECK_FALSE(calls.guest_is_lost());
}

TEST_CASE_METHOD(ExecCallsTest, "exec_calls: given a cancel, when it comes, then the kill goes out at once and the answer is cancelled",
    "[sandbox][GW-6][T-17]")
{
    be_ready();
    bash(1);
    calls.cancel({1});
    calls.cancel({1});
    calls.cancel({2});
    CHECK(count(to_guest, proto::Type::guest_signal) == 1);
    REQUIRE(calls.guest_says(proto::GuestExited{{1}, 137, 0}));
    CHECK(answer(1).reason == Reason::cancelled);
}

TEST_CASE_METHOD(ExecCallsTest, "exec_calls: given a kill without an answer, when 2 s are over, then the guest is lost", "[sandbox][T-17]")
{
    be_ready();
    bash(1, "x", false, 5s);
    bash(2);
    clock.advance(5s);
    calls.advance();
    clock.advance(kKillAnswerMax - 1ms);
    calls.advance();
    CHECK_FALSE(calls.guest_is_lost());
    clock.advance(1ms);
    calls.advance();
    CHECK(calls.guest_is_lost());
    CHECK(answer(1).reason == Reason::session_failed);
    CHECK(answer(1).timed_out);
    CHECK(answer(2).reason == Reason::session_failed);
    CHECK(to_sandbox.back().type == proto::Type::exec_guest_gone);
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given progress wanted, when time passes, then it comes in time with the last line", "[sandbox][GW-6]")
{
    be_ready();
    bash(1, "x", true, 60s);
    bash(2, "y", false, 60s);
    say(1, "working\n");
    for (int i = 0; i < 30; ++i) {
        clock.advance(1s);
        calls.advance();
    }
    CHECK(count(to_sandbox, proto::Type::exec_progress) == 3);
    auto const first = std::ranges::find(to_sandbox, proto::Type::exec_progress, &Said::type);
    auto const progress = wire::decode<proto::ExecProgress>(first->body).value();
    CHECK(progress.call.value == 1);
    CHECK(progress.elapsed == 2s);
    CHECK(progress.total == 60s);
    CHECK(progress.last_line.view() == "working");
}

TEST_CASE_METHOD(ExecCallsTest, "exec_calls: given a guest that breaks the rules, when it speaks, then it is lost", "[sandbox][T-07][T-14]")
{
    SECTION("another token") { CHECK_FALSE(calls.guest_says(proto::GuestReady{"other"})); }
    SECTION("anything before ready") { CHECK_FALSE(calls.guest_says(proto::GuestExited{{1}, 0, 0})); }
    SECTION("ready twice")
    {
        be_ready();
        CHECK_FALSE(calls.guest_says(proto::GuestReady{"token"}));
    }
    SECTION("a call that nobody made")
    {
        be_ready();
        bash(1);
        CHECK_FALSE(calls.guest_says(proto::GuestOutput{{2}, false, "x"}));
        CHECK_FALSE(calls.guest_says(proto::GuestExited{{2}, 0, 0}));
        CHECK_FALSE(calls.guest_says(proto::GuestFileDone{{2}, FileOutcome::text}));
        CHECK_FALSE(calls.guest_says(proto::GuestFailed{{2}}));
    }
    SECTION("an answer of the other kind")
    {
        be_ready();
        bash(1);
        file(2, proto::Tool::view);
        CHECK_FALSE(calls.guest_says(proto::GuestFileDone{{1}, FileOutcome::text}));
        CHECK_FALSE(calls.guest_says(proto::GuestExited{{2}, 0, 0}));
    }
    SECTION("an image in answer to an edit")
    {
        be_ready();
        file(1, proto::Tool::create_file);
        CHECK_FALSE(calls.guest_says(proto::GuestFileDone{{1}, FileOutcome::png}));
    }
    SECTION("a call that is over")
    {
        be_ready();
        bash(1);
        CHECK(calls.guest_says(proto::GuestExited{{1}, 0, 0}));
        CHECK_FALSE(calls.guest_says(proto::GuestExited{{1}, 0, 0}));
    }
    SECTION("output after its tail")
    {
        be_ready();
        bash(1);
        say(1, "x", true);
        CHECK_FALSE(calls.guest_says(proto::GuestOutput{{1}, false, "y"}));
    }
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given more bytes than were asked for, when they arrive, then the guest is lost", "[sandbox][SX-5][T-06]")
{
    be_ready();
    std::string const part(proto::kGuestOutputBytesMax, 'x');
    auto const allowed = [&](std::uint64_t id, bool tail) {
        std::size_t bytes = 0;
        while (calls.guest_says(proto::GuestOutput{{id}, tail, part})) bytes += part.size();
        return bytes;
    };
    bash(1);
    CHECK(allowed(1, false) <= 100'000 + kStreamSlackBytes);
    bash(2);
    CHECK(allowed(2, true) <= proto::kGuestTailBytesMax);
    file(3, proto::Tool::view);
    CHECK(allowed(3, false) == proto::kAnswerBytesMax);
}

TEST_CASE_METHOD(ExecCallsTest, "exec_calls: given a cut stream, when answered, then head, notice and tail", "[sandbox][SX-5]")
{
    be_ready();
    bash(1);
    for (int i = 0; i < 10; ++i) say(1, std::string(10'000, 'a'));
    say(1, std::string(16'000, 'z'), true);
    REQUIRE(calls.guest_says(proto::GuestExited{{1}, 0, 1'000'000}));
    auto const got = answer(1);
    CHECK(got.output_bytes == 1'000'000);
    CHECK(got.body.view().starts_with(std::string(15'000, 'a') + "\n\n[... 970000 bytes"));
    CHECK(got.body.view().ends_with(std::string(15'000, 'z')));
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given file answers, when done, then kind, mime and error follow the outcome", "[sandbox][SX-8]")
{
    be_ready();
    auto const done = [this](std::uint64_t id, FileOutcome outcome) {
        file(id, proto::Tool::view);
        say(id, "bytes");
        REQUIRE(calls.guest_says(proto::GuestFileDone{{id}, outcome}));
        return answer(id);
    };
    CHECK(done(1, FileOutcome::text).body.view() == "bytes");
    CHECK(done(2, FileOutcome::refused).is_error);
    CHECK(done(3, FileOutcome::png).mime.view() == "image/png");
    CHECK(done(4, FileOutcome::webp).content == proto::Content::image);
    CHECK(done(5, FileOutcome::archive).content == proto::Content::archive);
    auto const died = done(6, FileOutcome::died);
    CHECK(died.is_error);
    CHECK(died.body.view() != "bytes");
    file(7, proto::Tool::view);
    say(7, std::string(proto::kGuestOutputBytesMax, 'x'));
    for (int i = 0; i < 2; ++i) say(7, std::string(proto::kGuestOutputBytesMax, 'x'));
    REQUIRE(calls.guest_says(proto::GuestFileDone{{7}, FileOutcome::text}));
    CHECK(answer(7).body.size() == proto::kAnswerTextCharsMax);
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given a file call that hangs, when its time is over, then it is ended and said", "[sandbox][T-17]")
{
    be_ready();
    file(1, proto::Tool::view);
    clock.advance(30s);
    calls.advance();
    CHECK(count(to_guest, proto::Type::guest_signal) == 1);
    REQUIRE(calls.guest_says(proto::GuestFileDone{{1}, FileOutcome::died}));
    CHECK(answer(1).is_error);
    CHECK(answer(1).timed_out);
}

TEST_CASE_METHOD(
    ExecCallsTest, "exec_calls: given a call that could not start, when said, then it is an error with a reason to read", "[sandbox][T-06]")
{
    be_ready();
    bash(1);
    REQUIRE(calls.guest_says(proto::GuestFailed{{1}}));
    CHECK(answer(1).is_error);
    CHECK_FALSE(answer(1).body.empty());
}

TEST_CASE("exec_face: given frames, when parsed, then only whole, listed, bounded ones pass", "[sandbox][T-07]")
{
    auto const type_of = [](proto::Type type) { return static_cast<std::uint16_t>(type); };
    auto const exited = wire::encode(proto::GuestExited{{1}, 2, 3});
    CHECK(parse_guest_frame(type_of(proto::Type::guest_exited), exited).has_value());
    CHECK_FALSE(parse_guest_frame(type_of(proto::Type::guest_exited), std::span(exited).first(19)).has_value());
    CHECK_FALSE(parse_guest_frame(type_of(proto::Type::guest_run), exited).has_value());
    CHECK_FALSE(parse_guest_frame(0, {}).has_value());
    auto outcome = wire::encode(proto::GuestFileDone{{1}, FileOutcome::died});
    outcome.back() = std::byte{9};
    CHECK_FALSE(parse_guest_frame(type_of(proto::Type::guest_file_done), outcome).has_value());
}

}  // namespace test_exec_calls
