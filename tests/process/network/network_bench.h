// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A machine and the world around it, as two network namespaces with cables between them, made for one test and gone with it. The test's
// own thread stands in the machine. Needs root.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "appliance/init/network.h"
#include "netlink/session.h"

namespace ocu::test {

inline UniqueFd this_namespace() { return UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

class Bench {
public:
    Bench()
    {
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        world_ = this_namespace();
        outside_.emplace(netlink::Session::open().value());
        REQUIRE(outside_->set_carrying(outside_->index_of("lo").value(), netlink::Carrying::up));
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        machine_ = this_namespace();
        inside_.emplace(netlink::Session::open().value());
    }
    Bench(Bench const&) = delete;
    Bench& operator=(Bench const&) = delete;
    ~Bench()
    {
        for (auto const pid : started_) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        (void)::setns(home_.get(), CLONE_NEWNET);
    }

    // A cable: `card` in the machine, `end` in the world, carrying there.
    void cable(std::string const& card, std::string const& end, std::vector<netlink::Address> const& addresses = {})
    {
        REQUIRE(inside_->add_veth(card, end, world_.get()));
        int const index = outside_->index_of(end).value();
        for (auto each : addresses) {
            each.link = index;
            REQUIRE(outside_->add_address(each, netlink::AddressUse::lent));
        }
        REQUIRE(outside_->set_carrying(index, netlink::Carrying::up));
    }

    netlink::Session& inside() { return *inside_; }
    netlink::Session& outside() { return *outside_; }

    auto in_world(auto&& work)
    {
        REQUIRE(::setns(world_.get(), CLONE_NEWNET) == 0);
        auto out = work();
        REQUIRE(::setns(machine_.get(), CLONE_NEWNET) == 0);
        return out;
    }

    // A real server in the world. What it says lands in `log`.
    pid_t start_in_world(std::vector<std::string> words, std::string const& log)
    {
        pid_t const pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            int const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
            if (out < 0 || ::setns(world_.get(), CLONE_NEWNET) != 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) ::_exit(126);
            std::vector<char*> arguments;
            for (auto& each : words) arguments.push_back(each.data());
            arguments.push_back(nullptr);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        started_.push_back(pid);
        return pid;
    }
    void end(pid_t pid)
    {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        std::erase(started_, pid);
    }

private:
    UniqueFd home_ = this_namespace();
    UniqueFd world_;
    UniqueFd machine_;
    std::optional<netlink::Session> outside_;
    std::optional<netlink::Session> inside_;
    std::vector<pid_t> started_;
};

// Turns the loop until it is so, or the time is over.
bool inline becomes(wire::Loop& loop, std::chrono::milliseconds within, auto&& so)
{
    auto const end = std::chrono::steady_clock::now() + within;
    while (!so()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        auto const tick = loop.after(std::chrono::milliseconds(20), [] {});
        loop.run_one();
    }
    return true;
}

inline std::string text_of(std::string const& path)
{
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::size_t count_of(std::string const& path, std::string_view word)
{
    auto const text = text_of(path);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++count;
    return count;
}

inline manifest::Interface fixed(std::string name, std::string device, std::vector<manifest::Address> addresses, std::string gateway = {})
{
    manifest::Interface out;
    out.name = std::move(name);
    out.device = std::move(device);
    out.addressing = manifest::Interface::Addressing::fixed;
    out.addresses = std::move(addresses);
    out.gateway4 = std::move(gateway);
    return out;
}

inline manifest::Interface leased(std::string name, std::string device)
{
    manifest::Interface out;
    out.name = std::move(name);
    out.device = std::move(device);
    return out;
}

}  // namespace ocu::test
