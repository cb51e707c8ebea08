// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A helper's entry in a process of its own, really confined, with the test at the other end of its link. Needs root.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string_view>

#include "helper/frame.h"
#include "helper/helper.h"

namespace ocu::test {

// Of the network, as the core gives one to each helper of a session or a try: nothing leads out of it. The caller stays where it is.
inline UniqueFd empty_network()
{
    UniqueFd const own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    UniqueFd empty(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::setns(own.get(), CLONE_NEWNET) == 0);
    return empty;
}

class HelperProcess {
public:
    using Main = Result<void> (*)(helper::Helper&);

    HelperProcess(std::string_view name, Main main)
    {
        auto pair = make_socket_pair().value();
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) run(name, main, pair.theirs.get());
        link_ = std::move(pair.ours);
    }
    HelperProcess(HelperProcess const&) = delete;
    HelperProcess& operator=(HelperProcess const&) = delete;
    ~HelperProcess()
    {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    template <class Config>
    void configure(Config const& config, std::vector<int> const& descriptors = {})
    {
        REQUIRE(helper::write_frame(link_.get(), helper::kConfigureType, wire::encode(config), descriptors));
    }
    template <class Message>
    void send(Message const& message, std::vector<int> const& descriptors = {})
    {
        REQUIRE(helper::write_frame(link_.get(), static_cast<std::uint16_t>(Message::kType), wire::encode(message), descriptors));
    }
    Result<helper::RawFrame> receive(std::chrono::milliseconds wait = std::chrono::seconds(5))
    {
        return helper::read_frame(link_.get(), 64u << 10, wait);
    }
    wire::Bytes ready()
    {
        auto frame = receive();
        REQUIRE(frame);
        REQUIRE(frame->type == helper::kReadyType);
        return std::move(frame->body);
    }
    template <class Message>
    Message expect()
    {
        auto const frame = receive();
        REQUIRE(frame);
        REQUIRE(frame->type == static_cast<std::uint16_t>(Message::kType));
        auto message = wire::decode<Message>(frame->body);
        REQUIRE(message);
        return *std::move(message);
    }
    // Ends the link and waits: the wait status.
    int end()
    {
        link_.reset();
        return wait();
    }
    int wait()
    {
        int status = 0;
        REQUIRE(::waitpid(pid_, &status, 0) == pid_);
        pid_ = -1;
        return status;
    }
    int pid() const { return pid_; }

private:
    [[noreturn]] static void run(std::string_view name, Main main, int link)
    {
        if (::dup2(link, helper::kLinkFd) < 0) ::_exit(3);
        auto self = helper::Helper::begin(name);
        ::_exit(self && main(*self) ? 0 : 1);
    }

    pid_t pid_ = -1;
    UniqueFd link_;
};

}  // namespace ocu::test
