// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Runs the real launcher, confined as in the product, in a mount namespace of this test, and speaks to it over its link.

#include <sys/socket.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>
#include <thread>
#include <string>

#include "helper/frame.h"
#include "proto/sandbox_to_launcher.h"
#include "sandbox/helpers.h"
#include "tests/process/launcher/files_server.h"
#include "tests/process/launcher/guest_program.h"

namespace ocu::process_test {

using namespace std::chrono_literals;

inline std::string setting(char const* name)
{
    char const* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

inline std::string text_of(std::string const& path)
{
    std::ifstream file(path);
    std::stringstream out;
    out << file.rdbuf();
    return out.str();
}

// Greets gVisor's runtime monitor and hears it, as the exec helper does: without it no gVisor guest starts.
class MonitorPeer {
public:
    explicit MonitorPeer(UniqueFd listener)
        : thread_([listener = std::move(listener)](std::stop_token const& stop) {
              UniqueFd connection;
              bool greeted = false;
              while (!stop.stop_requested()) {
                  ::pollfd wait{connection ? connection.get() : listener.get(), POLLIN, 0};
                  if (::poll(&wait, 1, 20) <= 0) continue;
                  if (!connection) {
                      connection = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
                      continue;
                  }
                  char packet[4096];
                  if (::recv(connection.get(), packet, sizeof packet, 0) <= 0) return;
                  if (!std::exchange(greeted, true)) (void)::send(connection.get(), "\x08\x01", 2, MSG_NOSIGNAL);
              }
          })
    {}

private:
    std::jthread thread_;
};

// What a prepared slot hands out.
struct Guest {
    UniqueFd fuse, tcp_listener, dns_socket, channel, lane_program;
    std::unique_ptr<FilesServer> files;
    std::unique_ptr<MonitorPeer> monitor;
};

class Bench {
public:
    explicit Bench(std::string runc = setting("OCU_RUNC")) : runc_(std::move(runc)) { start_launcher(); }
    ~Bench()
    {
        end_launcher();
        std::error_code error;
        std::filesystem::remove(run_, error);
        CHECK_FALSE(error);
    }

    void start_launcher()
    {
        std::filesystem::create_directories(run_);
        std::filesystem::permissions(run_, std::filesystem::perms(0711));
        auto pair = make_socket_pair();
        REQUIRE(pair);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(pair->theirs.get(), helper::kLinkFd);
            auto helper = helper::Helper::begin("launcher");
            if (!helper) ::_exit(2);
            auto const result = sandbox::launcher_main(*helper);
            if (!result) std::fprintf(stderr, "launcher: %s (errno %d)\n", result.error().what.view().data(), result.error().os_errno);
            ::_exit(result ? 0 : 3);
        }
        link_ = std::move(pair->ours);
        REQUIRE(helper::write_frame(link_.get(), helper::kConfigureType, wire::encode(config()), {}));
        REQUIRE(receive(10s).type == helper::kReadyType);
    }

    // As when the core is gone.
    void end_launcher()
    {
        if (pid_ <= 0) return;
        link_.reset();
        int status = -1;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        CHECK(status == 0);
    }

    void kill_launcher()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    sandbox::LauncherConfig config() const
    {
        sandbox::LauncherConfig config;
        config.run_directory = run_.string();
        config.cgroup_prefix = "ocu-00000test";
        config.image = setting("OCU_IMAGE");
        config.agent = std::filesystem::read_symlink("/proc/self/exe").string();
        config.runc = runc_;
        config.runsc = setting("OCU_RUNSC");
        config.slots = 8;
        config.limits.memory_bytes = 512u << 20;
        config.limits.pids = 128;
        config.limits.scratch_bytes = 64u << 20;
        return config;
    }

    template <class Message>
    void say(Message const& message)
    {
        REQUIRE(helper::write_frame(link_.get(), static_cast<std::uint16_t>(Message::kType), wire::encode(message), {}));
    }

    helper::RawFrame receive(std::chrono::milliseconds wait)
    {
        auto frame = helper::read_frame(link_.get(), 64, wait);
        REQUIRE(frame);
        return std::move(*frame);
    }

    // Skips what came unasked.
    template <class Message>
    helper::RawFrame expect(std::chrono::milliseconds wait = 20s)
    {
        for (;;) {
            auto frame = receive(wait);
            INFO("frame " << std::hex << frame.type);
            if (frame.type == static_cast<std::uint16_t>(Message::kType)) return frame;
            if (frame.type == static_cast<std::uint16_t>(proto::LauncherMeasured::kType)) {
                last_measured = wire::decode<proto::LauncherMeasured>(frame.body).value();
                continue;
            }
            REQUIRE(frame.type == static_cast<std::uint16_t>(proto::LauncherExited::kType));
        }
    }

    proto::LauncherMeasured last_measured{};  // that came unasked

    proto::LauncherMeasured measure(Slot slot)
    {
        say(proto::LauncherMeasure{slot});
        return wire::decode<proto::LauncherMeasured>(expect<proto::LauncherMeasured>().body).value();
    }

    Guest prepare(Slot slot, proto::Tier tier)
    {
        say(proto::LauncherPrepare{slot, tier});
        auto frame = expect<proto::LauncherPrepared>();
        REQUIRE(frame.descriptors.size() == proto::kPreparedDescriptors);
        auto const take = [&](proto::PreparedDescriptor which) { return std::move(frame.descriptors[static_cast<std::size_t>(which)]); };
        using enum proto::PreparedDescriptor;
        auto heard = tier == proto::Tier::gvisor ? std::make_unique<MonitorPeer>(take(monitor)) : nullptr;
        return {take(fuse), take(tcp_listener), take(dns_socket), take(channel), take(lane_program), nullptr, std::move(heard)};
    }

    Guest start(Slot slot, proto::Tier tier)
    {
        auto guest = prepare(slot, tier);
        guest.files = std::make_unique<FilesServer>(std::move(guest.fuse), static_cast<std::uint32_t>(1'001'000 + slot.value * 65'536));
        say(proto::LauncherStart{slot});
        (void)expect<proto::LauncherStarted>();
        return guest;
    }

    void kill(Slot slot)
    {
        say(proto::LauncherKill{slot});
        (void)expect<proto::LauncherKilled>();
    }

    void destroy(Slot slot)
    {
        say(proto::LauncherDestroy{slot});
        (void)expect<proto::LauncherDestroyed>();
    }

    std::string ask(Guest const& guest, std::string line, std::chrono::milliseconds wait = 20s)
    {
        line += '\n';
        REQUIRE(::write(guest.channel.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
        std::string answer;
        char buffer[4096];
        while (answer.empty() || answer.back() != kEndOfAnswer) {
            pollfd entry{guest.channel.get(), POLLIN, 0};
            REQUIRE(::poll(&entry, 1, static_cast<int>(wait.count())) == 1);
            ssize_t const got = ::read(guest.channel.get(), buffer, sizeof buffer);
            REQUIRE(got > 0);
            answer.append(buffer, static_cast<std::size_t>(got));
        }
        answer.pop_back();
        return answer;
    }

    // Host tasks of a slot's cgroup, however the hierarchy is mounted.
    bool tasks_reach(Slot slot, int wanted)
    {
        for (int tries = 0; tries < 2000; ++tries) {
            for (auto const* const root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
                auto const text = text_of(std::string(root) + "/ocu-00000test/s" + std::to_string(slot.value) + "/pids.current");
                if (!text.empty() && std::stoi(text) >= wanted) return true;
            }
            (void)::poll(nullptr, 0, 5);
        }
        return false;
    }

    std::filesystem::path const& run() const { return run_; }
    pid_t pid() const { return pid_; }

    // Mounts, cgroups, and processes in them that belong to this test's launcher.
    std::string remains() const
    {
        std::string found;
        std::istringstream mounts(text_of("/proc/self/mountinfo"));
        for (std::string line; std::getline(mounts, line);)
            if (line.find(run_.string()) != std::string::npos && line.find("/image ") == std::string::npos) found += line + "\n";
        for (auto const& tree : std::filesystem::directory_iterator("/sys/fs/cgroup"))
            for (auto const* const where : {"ocu-00000test"}) {
                std::error_code error;
                auto const prefix = tree.path() / where;
                for (auto const& group : std::filesystem::directory_iterator(prefix, error))
                    if (group.is_directory()) found += group.path().string() + "\n";
            }
        std::error_code error;
        for (auto const& slot : std::filesystem::directory_iterator(run_ / "slots", error)) found += slot.path().string() + "\n";
        return found;
    }

private:
    std::string runc_;
    std::filesystem::path run_ = "/run/ocu-test-" + std::to_string(::getpid());
    pid_t pid_ = -1;
    UniqueFd link_;
};

}  // namespace ocu::process_test
