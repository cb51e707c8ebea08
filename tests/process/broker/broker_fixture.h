// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A real broker helper, confined by its real profile, behind a real FUSE mount in a mount namespace of this test's own. Needs root.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sched.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>

#include "appliance/profiles/broker.h"
#include "helper/frame.h"
#include "helper/helper.h"
#include "proto/broker_to_storage.h"
#include "storage/helpers.h"
#include "storage/mount_meter.h"
#include "storage/session_store.h"
#include "wire/loop.h"

namespace broker_test {

using namespace ocu;

inline constexpr uid_t kGuest = 1'001'000;
inline constexpr std::uint32_t kSlot = 7;
inline constexpr uid_t kBrokerUser = helper::kHelperUidBase + profiles::kBroker.user_offset + kSlot;
inline constexpr SessionId kSession{0x0123'4567'89ab'cdef};

// What the spawner sends: the slot, then the helper's own configuration.
struct SlotAndConfig {
    std::uint32_t slot = 0;
    proto::BrokerConfig config;

    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
};

struct BrokerTest {
    BrokerTest() : BrokerTest(1ull << 30, 2ull << 30) {}
    BrokerTest(std::uint64_t file_bytes_max, std::uint64_t session_bytes_max) : BrokerTest(Broker::not_yet)
    {
        REQUIRE(::mkdir((base + "/store").c_str(), 0700) == 0);
        UniqueFd store(::open((base + "/store").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        storage::SessionStore sessions(loop, std::move(store));
        auto directory = sessions.make(kSession, kBrokerUser);
        REQUIRE(directory.has_value());
        stored = base + "/store/" + storage::SessionStore::name_of(kSession);
        start({kGuest, file_bytes_max, session_bytes_max, {}, {}, {}, {}}, {directory->get()}, storage::broker_main);
    }
    enum class Broker { not_yet };
    explicit BrokerTest(Broker)
    {
        REQUIRE(::geteuid() == 0);
        REQUIRE(::unshare(CLONE_NEWNS) == 0);
        REQUIRE(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        char name[] = "/tmp/ocu-broker-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        base = name;
        REQUIRE(::chmod(name, 0755) == 0);
        REQUIRE(::mkdir((base + "/mnt").c_str(), 0755) == 0);
        mnt = base + "/mnt";
    }
    BrokerTest(BrokerTest const&) = delete;
    BrokerTest& operator=(BrokerTest const&) = delete;
    ~BrokerTest()
    {
        kill_broker();
        ::umount2(mnt.c_str(), MNT_DETACH);
        std::error_code ignored;
        std::filesystem::remove_all(base, ignored);
    }

    using Main = Result<void> (*)(helper::Helper&);

    // `descriptors`: what comes after namespace, FUSE connection and meter.
    void begin(proto::BrokerConfig const& config, std::vector<int> descriptors, Main main)
    {
        UniqueFd fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
        REQUIRE(fuse);
        auto const options = "fd=" + std::to_string(fuse.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
        REQUIRE(::mount("ocu-storage", mnt.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0);
        UniqueFd const own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        UniqueFd const empty(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        REQUIRE(::setns(own.get(), CLONE_NEWNET) == 0);
        auto pair = make_socket_pair().value();
        broker = ::fork();
        REQUIRE(broker >= 0);
        if (broker == 0) serve(pair.theirs.get(), main);
        link = std::move(pair.ours);
        auto const body = wire::encode(SlotAndConfig{kSlot, config});
        auto const meter = storage::MountMeter::make_page().value();
        descriptors.insert(descriptors.begin(), {empty.get(), fuse.get(), meter.get()});
        REQUIRE(helper::write_frame(link.get(), helper::kConfigureType, body, descriptors));
    }
    void start(proto::BrokerConfig const& config, std::vector<int> descriptors, Main main)
    {
        begin(config, std::move(descriptors), main);
        auto const ready = helper::read_frame(link.get(), 64, std::chrono::seconds(5));
        REQUIRE(ready.has_value());
        REQUIRE(ready->type == helper::kReadyType);
    }

    [[noreturn]] static void serve(int link, Main main = storage::broker_main)
    {
        ::dup2(link, helper::kLinkFd);
        auto self = helper::Helper::begin("broker");
        bool const good = self && main(*self);
        ::_exit(good ? 0 : 1);
    }

    void kill_broker()
    {
        if (broker <= 0) return;
        ::kill(broker, SIGKILL);
        ::waitpid(broker, nullptr, 0);
        broker = -1;
    }
    bool broker_lives() const { return broker > 0 && ::waitpid(broker, nullptr, WNOHANG) == 0; }

    // Runs `act` as the guest's user in a child; what it returns (0..255) is returned here.
    int as_guest(std::function<int()> const& act) const
    {
        pid_t const child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            if (::setgroups(0, nullptr) != 0 || ::setresgid(kGuest, kGuest, kGuest) != 0 || ::setresuid(kGuest, kGuest, kGuest) != 0)
                ::_exit(254);
            ::umask(0022);
            if (::chdir(mnt.c_str()) != 0) ::_exit(253);
            ::_exit(act());
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    }
    // The errno of a call made as the guest; 0 if it succeeded.
    int fault_of(std::function<bool()> const& succeeds) const
    {
        return as_guest([&succeeds] { return succeeds() ? 0 : errno; });
    }
    int shell(std::string const& script) const
    {
        return as_guest([&script] {
            ::setenv("HOME", "/nonexistent", 1);
            ::setenv("PATH", "/usr/bin:/bin", 1);
            ::execl("/bin/sh", "sh", "-ec", script.c_str(), nullptr);
            return 252;
        });
    }

    wire::Loop loop;
    std::string base;
    std::string mnt;
    std::string stored;
    UniqueFd link;
    pid_t broker = -1;
};

}  // namespace broker_test
