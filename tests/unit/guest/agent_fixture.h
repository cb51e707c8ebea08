// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An agent in a process of its own, without a sandbox around it, and the other end of its channel.

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "guest/guest.h"
#include "proto/exec_to_guest.h"

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
        wire::Bytes bytes;
        wire::Encoder encode(bytes);
        auto const body = wire::encode(message);
        encode(static_cast<std::uint32_t>(body.size()), static_cast<std::uint16_t>(Message::kType), std::uint16_t{0});
        bytes.insert(bytes.end(), body.begin(), body.end());
        for (std::size_t sent = 0; sent < bytes.size();) {
            pollfd wait{channel.get(), POLLOUT, 0};
            ::poll(&wait, 1, 10'000);
            ssize_t const wrote = ::send(channel.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            REQUIRE(wrote > 0);
            sent += static_cast<std::size_t>(wrote);
        }
    }
    // False when the agent has closed the channel.
    bool read(std::span<std::byte> out)
    {
        for (std::size_t at = 0; at < out.size();) {
            pollfd wait{channel.get(), POLLIN, 0};
            if (::poll(&wait, 1, 20'000) != 1) return false;
            ssize_t const got = ::read(channel.get(), out.data() + at, out.size() - at);
            if (got <= 0) return false;
            at += static_cast<std::size_t>(got);
        }
        return true;
    }
    struct Frame {
        proto::Type type{};
        wire::Bytes body;
    };
    Frame receive()
    {
        std::array<std::byte, 8> head{};
        if (!read(head)) return {};
        std::uint32_t size = 0;
        std::uint16_t type = 0, descriptors = 0;
        wire::Decoder decoder(head);
        decoder(size, type, descriptors);
        Frame frame{static_cast<proto::Type>(type), wire::Bytes(size)};
        return read(frame.body) ? frame : Frame{};
    }
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
