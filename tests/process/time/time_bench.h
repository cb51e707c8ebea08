// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the tests of the `time` helper share: a network namespace of their own, certificates, a real NTS server that touches no clock
// (chronyd -x), and sockets to all of it. Needs root.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace ocu::test {

constexpr std::uint16_t kKePort = 4460;
constexpr std::uint16_t kNtpPort = 4123;
constexpr auto kLoopback = "127.0.0.1";

// Runs a command of this test's own making and gives back its last line.
inline std::string output_of(std::string const& command)
{
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 512> chunk;
    while (std::fgets(chunk.data(), chunk.size(), pipe) != nullptr) text = chunk.data();
    REQUIRE(::pclose(pipe) == 0);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

// A server process, in a network namespace with nothing but loopback. Ended and reaped with its owner.
class Server {
public:
    Server(std::vector<std::string> words, std::string const& input = "/dev/null")
    {
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        int const in = ::open(input.c_str(), O_RDONLY);
        int const out = ::open("/dev/null", O_WRONLY);
        if (in < 0 || out < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) ::_exit(126);
        std::vector<char*> arguments;
        for (auto& each : words) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    Server(Server const&) = delete;
    Server& operator=(Server const&) = delete;
    ~Server()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_ = -1;
};

inline sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

inline UniqueFd bound(int type, std::uint16_t port = 0)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    int const on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto const address = loopback(port);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    return fd;
}

inline std::uint16_t port_of(int fd)
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
}

inline void connect_to(int fd, std::uint16_t port)
{
    auto const address = loopback(port);
    int const done = ::connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address);
    REQUIRE((done == 0 || errno == EINPROGRESS));
}

inline UniqueFd connecting(int type, std::uint16_t port)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connect_to(fd.get(), port);
    return fd;
}

// Made once for the whole program.
struct Bench {
    static Bench& get()
    {
        static Bench bench;
        return bench;
    }
    std::string pem(std::string const& name) const
    {
        std::ifstream file(folder + '/' + name + ".pem");
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    std::string write(std::string const& name, std::string_view content) const
    {
        std::ofstream(folder + '/' + name, std::ios::binary) << content;
        return folder + '/' + name;
    }
    // An NTS server with that certificate, ready to answer.
    std::unique_ptr<Server> serve(std::string const& certificate, std::uint16_t ntp_port = kNtpPort) const
    {
        auto const path = folder + '/' + certificate;
        auto const conf = write("chrony.conf",
            "bindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 5\ncmdport 0\nbindcmdaddress /\nuser root\n"
            "ntsprocesses 0\nport " +
                std::to_string(ntp_port) + "\nntsport " + std::to_string(kKePort) + "\npidfile " + folder + "/pid\nntsserverkey " + path +
                ".key\nntsservercert " + path + ".pem\n");
        std::filesystem::remove(folder + "/pid");
        auto server = std::make_unique<Server>(std::vector<std::string>{chronyd, "-d", "-x", "-f", conf});
        wait_for_port(kKePort);
        return server;
    }
    void wait_for_port(std::uint16_t port) const
    {
        for (int i = 0; i < 500; ++i) {
            UniqueFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            auto const address = loopback(port);
            if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0) return;
            ::usleep(20'000);
        }
        FAIL("server did not start");
    }
    ~Bench() { std::filesystem::remove_all(folder); }

    std::string chronyd;
    std::string folder;

private:
    Bench()
    {
        chronyd = output_of("scripts/toolchain/chrony");
        char name[] = "/var/tmp/ocu-time.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        folder = name;
        output_of("tests/process/time/make_certificates " + folder);
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        UniqueFd const any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strcpy(request.ifr_name, "lo");
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        REQUIRE(::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0);
    }
};

}  // namespace ocu::test
