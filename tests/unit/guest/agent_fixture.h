// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An agent in a process of its own, without a sandbox around it, and the other end of its channel.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "guest/guest.h"
#include "proto/exec_to_guest.h"
#include "support/frame_wire.h"

namespace test_agent {

using namespace ocu;

struct Answer {
    std::string output;
    std::string tail;
    proto::GuestExited exited;
    proto::Type ended_by{};
};

struct AgentTest {
    AgentTest()
    {
        char name[] = "/tmp/ocu-agent-XXXXXX";
        home = ::mkdtemp(name);
        auto pair = make_socket_pair().value();
        channel = std::move(pair.ours);
        pid = ::fork();
        if (pid == 0) {
            channel.reset();
            ::_exit(guest::agent_main(std::move(pair.theirs), {.home = home.c_str(), .become_user = false}));
        }
    }
    ~AgentTest()
    {
        channel.reset();
        if (pid > 0) ::kill(pid, SIGKILL), ::waitpid(pid, nullptr, 0);
        std::filesystem::remove_all(home);
    }

    template <class Message>
    void send(Message const& message)
    {
        test::send_frame(channel.get(), message);
    }
    // Of no type when the agent has closed the channel.
    test::WholeFrame receive() { return test::receive_frame(channel.get()).value_or(test::WholeFrame{}); }
    void welcome()
    {
        send(proto::GuestWelcome{"token", {}});
        auto const frame = receive();
        REQUIRE(frame.type == proto::Type::guest_ready);
        CHECK(wire::decode<proto::GuestReady>(frame.body)->token.view() == "token");
    }
    Answer collect(std::uint64_t id)
    {
        Answer answer;
        for (;;) {
            auto const frame = receive();
            answer.ended_by = frame.type;
            if (frame.type == proto::Type::guest_exited) answer.exited = wire::decode<proto::GuestExited>(frame.body).value();
            if (frame.type != proto::Type::guest_output) return answer;
            auto const part = wire::decode<proto::GuestOutput>(frame.body).value();
            CHECK(part.call.value == id);
            (part.tail ? answer.tail : answer.output) += part.bytes.view();
        }
    }
    Answer run(std::string const& command, std::uint64_t stream_bytes_max = 1u << 20)
    {
        send(proto::GuestRun{{1}, stream_bytes_max, command});
        return collect(1);
    }
    int wait_for_end()
    {
        int status = -1;
        ::waitpid(pid, &status, 0);
        pid = -1;
        return status;
    }

    std::string home;
    UniqueFd channel;
    pid_t pid = -1;
};

}  // namespace test_agent
