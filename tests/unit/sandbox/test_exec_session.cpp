// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/exec_session. Checks the exec helper's loop against a real agent in a process of its own, and against a hostile one.

#include "sandbox/exec_session.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "guest/guest.h"
#include "support/frame_wire.h"

namespace test_exec_session {

using namespace ocu;
using namespace ocu::sandbox;
using namespace std::chrono_literals;

// The session's loop has a thread of its own; the test speaks to it by blocking reads and writes.
struct ExecSessionTest {
    ExecSessionTest()
    {
        char name[] = "/tmp/ocu-exec-XXXXXX";
        home = ::mkdtemp(name);
        auto channel = make_socket_pair().value();
        auto control = make_socket_pair().value();
        guest_end = std::move(channel.theirs);
        exec_ends = {std::move(control.theirs), std::move(channel.ours)};
        link = std::move(control.ours);
    }
    ~ExecSessionTest()
    {
        link.reset();
        if (helper.joinable()) helper.join();
        if (agent > 0) ::kill(agent, SIGKILL), ::waitpid(agent, nullptr, 0);
        std::filesystem::remove_all(home);
    }

    // Before start_session: it forks.
    void start_agent()
    {
        agent = ::fork();
        if (agent != 0) return guest_end.reset();
        exec_ends = {};
        link.reset();
        ::_exit(guest::agent_main(std::move(guest_end), {.home = home.c_str(), .become_user = false}));
    }
    void start_session()
    {
        helper = std::thread([this] {
            wire::Loop loop;
            SystemClock const own_clock;
            ExecSession const session(
                loop, own_clock, proto::ExecConfig{"token", 8u << 20, 30s, {}}, std::move(exec_ends), [&loop] { loop.stop(); });
            loop.run();
        });
    }
    template <class Message>
    void send(Message const& message)
    {
        test::send_frame(link.get(), message);
    }
    // The next message, which must be of this type.
    wire::Bytes hear(proto::Type wanted)
    {
        auto frame = test::receive_frame(link.get());
        REQUIRE(frame);
        REQUIRE(frame->type == wanted);
        return std::move(frame->body);
    }
    proto::ToolAnswer hear_answer() { return wire::decode<proto::ExecDone>(hear(proto::Type::exec_done)).value().answer; }
    proto::ToolAnswer call(proto::ToolArguments const& arguments)
    {
        send(proto::ExecCall{{++last_call}, arguments, false});
        return hear_answer();
    }
    proto::ToolAnswer bash(std::string const& command, std::chrono::milliseconds timeout = 20s)
    {
        proto::ToolArguments arguments;
        arguments.command = command;
        arguments.timeout = timeout;
        return call(arguments);
    }
    void guest_writes(std::vector<int> const& numbers)
    {
        std::vector<unsigned char> const bytes(numbers.begin(), numbers.end());
        REQUIRE(::write(guest_end.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }

    std::string home;
    SystemClock clock;
    UniqueFd guest_end;
    UniqueFd link;
    ExecSession::Ends exec_ends;
    std::thread helper;
    std::uint64_t last_call = 0;
    pid_t agent = -1;
};

TEST_CASE_METHOD(
    ExecSessionTest, "exec_session: given a real agent, when commands run, then their answers come back", "[sandbox][SX-3][SX-8]")
{
    start_agent();
    start_session();
    hear(proto::Type::exec_ready);
    CHECK(bash("echo hello").body.view() == "hello\n");
    CHECK(bash("exit 7").body.view() == "[Exit code: 7]");
    CHECK(bash("grep nothing /dev/null").body.view() == "[No matches found (exit code 1)]");
    auto const large = bash("seq 1 3000000");
    CHECK(large.output_bytes == 22'888'896);
    CHECK(large.body.view().starts_with("1\n2\n3\n"));
    CHECK(large.body.view().ends_with("2999999\n3000000\n"));
    CHECK(large.body.size() < 30'300);
}

TEST_CASE_METHOD(
    ExecSessionTest, "exec_session: given a real agent, when files are edited and viewed, then it works end to end", "[sandbox][SX-8]")
{
    start_agent();
    start_session();
    hear(proto::Type::exec_ready);
    proto::ToolArguments arguments;
    arguments.tool = proto::Tool::create_file;
    arguments.path = home + "/a/b.txt";
    arguments.text = std::string(1'000'000, 'x') + "\nold\n";
    CHECK_FALSE(call(arguments).is_error);
    arguments.tool = proto::Tool::str_replace;
    arguments.text = "old";
    arguments.replacement = "new";
    CHECK_FALSE(call(arguments).is_error);
    CHECK(call(arguments).is_error);
    CHECK(bash("tail -c 4 a/b.txt").body.view() == "new\n");
    arguments.tool = proto::Tool::view;
    arguments.has_range = true;
    arguments.range_first = 2;
    arguments.range_last = -1;
    CHECK(call(arguments).body.view() == "     2\tnew");
}

TEST_CASE_METHOD(
    ExecSessionTest, "exec_session: given a flood, when its time is over, then it is killed and said", "[sandbox][SX-5][T-06][T-17]")
{
    start_agent();
    start_session();
    hear(proto::Type::exec_ready);
    auto const answer = bash("yes", 300ms);
    CHECK(answer.timed_out);
    CHECK(answer.exit_status == 137);
    CHECK(answer.body.view().starts_with("y\ny\n"));
    CHECK(answer.body.view().ends_with("[Timed out after 0.3 s: the command and its process group were killed]"));
    CHECK(answer.duration < 2s);
}

TEST_CASE_METHOD(ExecSessionTest, "exec_session: given a running call, when cancelled, then it ends within 100 ms", "[sandbox][GW-6][T-17]")
{
    start_agent();
    start_session();
    hear(proto::Type::exec_ready);
    proto::ToolArguments arguments;
    arguments.command = "echo started; sleep 1000";
    arguments.timeout = 100s;
    send(proto::ExecCall{{1}, arguments, true});
    hear(proto::Type::exec_progress);
    auto const before = clock.now();
    send(proto::ExecCancel{{1}});
    CHECK(hear_answer().reason == proto::Reason::cancelled);
    CHECK(clock.now() - before < 100ms);
}

TEST_CASE_METHOD(ExecSessionTest, "exec_session: given a running call, when the agent dies, then it is answered and the guest is gone",
    "[sandbox][T-13]")
{
    start_agent();
    start_session();
    hear(proto::Type::exec_ready);
    proto::ToolArguments arguments;
    arguments.command = "kill -9 $PPID; sleep 1000";
    arguments.timeout = 100s;
    send(proto::ExecCall{{1}, arguments, false});
    CHECK(hear_answer().reason == proto::Reason::session_ended);
    hear(proto::Type::exec_guest_gone);
    CHECK(call(arguments).reason == proto::Reason::session_ended);
}

TEST_CASE_METHOD(
    ExecSessionTest, "exec_session: given a hostile guest, when it breaks the grammar, then its channel is closed", "[sandbox][T-07][T-14]")
{
    start_session();
    SECTION("a frame too large") { guest_writes({0xff, 0xff, 0xff, 0x7f, 4, 2, 0, 0}); }
    SECTION("a body that does not decode") { guest_writes({1, 0, 0, 0, 5, 2, 0, 0, 0}); }
    SECTION("a descriptor where none belongs")
    {
        std::byte byte{};
        iovec part{&byte, 1};
        msghdr message{};
        alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        int const number = guest_end.get();
        std::memcpy(CMSG_DATA(header), &number, sizeof number);
        REQUIRE(::sendmsg(guest_end.get(), &message, 0) == 1);
    }
    hear(proto::Type::exec_guest_gone);
    // The guest sees the end of its channel, after the welcome that waits there.
    std::array<std::byte, 4096> bytes;
    ssize_t got = 1;
    while (got > 0) {
        pollfd wait{guest_end.get(), POLLIN, 0};
        REQUIRE(::poll(&wait, 1, 20'000) == 1);
        got = ::read(guest_end.get(), bytes.data(), bytes.size());
    }
    CHECK((got == 0 || errno == ECONNRESET));
}

TEST_CASE_METHOD(
    ExecSessionTest, "exec_session: given the sandbox role goes away, when noticed, then the helper is told to end", "[sandbox][T-13]")
{
    start_agent();
    start_session();
    hear(proto::Type::exec_ready);
    link.reset();
    helper.join();
    int status = -1;
    CHECK(::waitpid(agent, &status, 0) == agent);  // and the agent with it
    CHECK(status == 0);
    agent = -1;
}

}  // namespace test_exec_session
