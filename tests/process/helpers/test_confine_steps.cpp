// SPDX-License-Identifier: GPL-3.0-or-later
// Each step of confinement alone. The real profiles hide most steps behind the system-call filter, so these profiles allow every call and
// leave the step in question as the only thing in the way: taken out of confine(), its test goes red (T-14, AP-8).

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>

#include "appliance/profiles/launcher.h"
#include "helper/frame.h"
#include "helper/helper.h"
#include "helper/kind.h"

namespace test_confine_steps {

using namespace ocu;

constexpr std::uint32_t kOffset = 77;
constexpr std::uint32_t kSlot = 5;
constexpr int kNotConfined = 254;
constexpr int kNoLine = 0;

// Every call the kernel has, less a few that are no part of any step.
constexpr helper::Profile kWide{
    .name = "parser", .user_offset = kOffset, .capabilities = {}, .system_calls = profiles::kLauncherSystemCalls};

helper::Profile wide(helper::Network network, bool landlock, bool stay_root = false)
{
    helper::Profile profile = kWide;
    profile.network = network;
    profile.landlock = landlock;
    profile.stay_root = stay_root;
    if (network == helper::Network::shared_empty_namespace) profile.name = helper::name_of(helper::Kind::broker);
    return profile;
}

constexpr auto kOwn = helper::Network::own_empty_namespace;
constexpr auto kShared = helper::Network::shared_empty_namespace;
constexpr auto kAsStarted = helper::Network::as_started;

struct Nothing {
    static void fields(auto&, auto&) {}
};

// What the child says: 0, or the line of the first thing that is not so.
using Facts = std::function<int()>;
#define OCU_FACT(condition)                          \
    do {                                             \
        if (!(condition)) return __LINE__ % 251 + 1; \
    } while (false)

UniqueFd empty_namespace()
{
    UniqueFd const own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    UniqueFd empty(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::setns(own.get(), CLONE_NEWNET) == 0);
    return empty;
}

[[noreturn]] void child(helper::Profile const& profile, char const* directory, int link, Facts const& facts)
{
    gid_t const group = 5;
    if (::setgroups(1, &group) != 0 || ::dup2(link, helper::kLinkFd) < 0) ::_exit(kNotConfined);
    auto self = helper::Helper::begin(profile.name);
    if (!self || !self->receive_config<Nothing>()) ::_exit(kNotConfined);
    UniqueFd const open_one(directory != nullptr ? ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
    std::array const given{open_one.get()};
    if (!self->confine(profile, std::span(given).first(directory != nullptr ? 1 : 0))) ::_exit(kNotConfined);
    ::_exit(facts());
}

int run(helper::Profile const& profile, Facts const& facts, char const* directory = nullptr)
{
    REQUIRE(::geteuid() == 0);
    auto pair = make_socket_pair().value();
    bool const per_session = profile.network == kShared;
    UniqueFd const empty = per_session ? empty_namespace() : UniqueFd();
    pid_t const pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) child(profile, directory, pair.theirs.get(), facts);
    wire::Bytes body;
    wire::Encoder encoder(body);
    if (per_session) encoder(std::uint32_t{kSlot});
    std::array const descriptors{empty.get()};
    REQUIRE(helper::write_frame(pair.ours.get(), helper::kConfigureType, body, std::span(descriptors).first(per_session ? 1 : 0)));
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
}

struct Sets {
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
};

Sets capability_sets()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) return {~0ull, ~0ull, ~0ull};
    auto const both = [&](auto member) { return std::uint64_t{data[1].*member} << 32 | data[0].*member; };
    return {both(&__user_cap_data_struct::effective), both(&__user_cap_data_struct::permitted), both(&__user_cap_data_struct::inheritable)};
}

std::uint64_t bounding_set()
{
    std::uint64_t out = 0;
    for (int each = 0; each < 64; ++each)
        if (::prctl(PR_CAPBSET_READ, each) == 1) out |= 1ull << each;
    return out;
}

bool loopback_is_up()
{
    UniqueFd const socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq wanted{};
    wanted.ifr_name[0] = 'l';
    wanted.ifr_name[1] = 'o';
    return ::ioctl(socket.get(), SIOCGIFFLAGS, &wanted) == 0 && (wanted.ifr_flags & IFF_UP) != 0;
}

struct Directory {
    Directory()
    {
        REQUIRE(::mkdtemp(path) != nullptr);
        REQUIRE(::chmod(path, 0777) == 0);
    }
    Directory(Directory const&) = delete;
    Directory& operator=(Directory const&) = delete;
    ~Directory()
    {
        for (auto const* const name : {"/made", "/fifo", "/device", "/program"}) ::unlink((std::string(path) + name).c_str());
        ::rmdir(path);
    }
    std::string in(char const* name) const { return std::string(path) + name; }
    char path[32] = "/tmp/ocu-confine-XXXXXX";
};

}  // namespace test_confine_steps

using namespace test_confine_steps;

TEST_CASE(
    "confine_steps: given a helper that stays root, when it is confined, then bounding set and capability sets hold what its profile keeps "
    "and no more",
    "[helper][T-14][AP-8]")
{
    auto profile = wide(kOwn, false, true);
    CHECK(run(profile, [] {
        auto const sets = capability_sets();
        OCU_FACT(bounding_set() == 0);
        OCU_FACT(sets.permitted == 0);
        OCU_FACT(sets.effective == 0);
        OCU_FACT(sets.inheritable == 0);
        return kNoLine;
    }) == 0);
    static constexpr std::array kOne{CAP_KILL};
    profile.capabilities = kOne;
    CHECK(run(profile, [] {
        auto const sets = capability_sets();
        OCU_FACT(bounding_set() == 1ull << CAP_KILL);
        OCU_FACT(sets.permitted == 1ull << CAP_KILL);
        OCU_FACT(sets.effective == 1ull << CAP_KILL);
        return kNoLine;
    }) == 0);
}

TEST_CASE(
    "confine_steps: given a helper, when it is confined, then its ids are its own, it has no group, and being root again would give it "
    "nothing",
    "[helper][T-14][AP-8]")
{
    auto const with_ids = [](uid_t wanted) {
        return [wanted] {
            std::array<uid_t, 3> users{};
            std::array<gid_t, 3> groups{};
            OCU_FACT(::getresuid(&users[0], &users[1], &users[2]) == 0);
            OCU_FACT(::getresgid(&groups[0], &groups[1], &groups[2]) == 0);
            for (std::size_t i = 0; i < 3; ++i) {
                OCU_FACT(users[i] == wanted);
                OCU_FACT(groups[i] == wanted);
            }
            OCU_FACT(::getgroups(0, nullptr) == 0);
            OCU_FACT(::setresuid(0, 0, 0) != 0);
            auto const sets = capability_sets();
            OCU_FACT(bounding_set() == 0);
            OCU_FACT(sets.permitted == 0);
            OCU_FACT(sets.inheritable == 0);
            auto const bits = static_cast<unsigned>(::prctl(PR_GET_SECUREBITS));
            OCU_FACT((bits & SECBIT_NOROOT) != 0);
            OCU_FACT((bits & SECBIT_NOROOT_LOCKED) != 0);
            OCU_FACT((bits & SECBIT_NO_SETUID_FIXUP_LOCKED) != 0);
            OCU_FACT((bits & SECBIT_KEEP_CAPS_LOCKED) != 0);
            OCU_FACT((bits & SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) != 0);
            return kNoLine;
        };
    };
    CHECK(run(wide(kOwn, false), with_ids(helper::kHelperUidBase + kOffset)) == 0);
    CHECK(run(wide(kShared, false), with_ids(helper::kHelperUidBase + kOffset + kSlot)) == 0);
}

TEST_CASE("confine_steps: given any helper, when it is confined, then no new privileges, no dump, a filter, files for itself only",
    "[helper][T-12][T-14][AP-8]")
{
    auto const facts = [] {
        OCU_FACT(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
        OCU_FACT(::prctl(PR_GET_DUMPABLE) == 0);
        OCU_FACT(::prctl(PR_GET_SECCOMP) == 2);
        OCU_FACT(::umask(0) == 0077);
        return kNoLine;
    };
    CHECK(run(wide(kOwn, true), facts) == 0);
    CHECK(run(wide(kShared, true), facts) == 0);
    CHECK(run(wide(kOwn, false, true), facts) == 0);  // root keeps its ids: nothing but the call makes it not dumpable
}

TEST_CASE("confine_steps: given a helper, when it is confined, then it dies with its parent unless it must clean up after it",
    "[helper][T-13][AP-8]")
{
    auto const signal_is = [](int wanted) {
        return [wanted] {
            int set = -1;
            OCU_FACT(::prctl(PR_GET_PDEATHSIG, &set) == 0);
            OCU_FACT(set == wanted);
            return kNoLine;
        };
    };
    auto profile = wide(kOwn, false);
    CHECK(run(profile, signal_is(SIGKILL)) == 0);
    profile.parent_death = helper::ParentDeath::notice;
    CHECK(run(profile, signal_is(0)) == 0);
}

TEST_CASE("confine_steps: given a profile without a call, when the call is made, then the process is killed", "[helper][T-14][AP-8]")
{
    static constexpr std::array kFew{__NR_exit_group, __NR_exit, __NR_close, __NR_munmap, __NR_futex};
    auto profile = wide(kOwn, false);
    profile.system_calls = kFew;
    CHECK(run(profile, [] { return kNoLine; }) == 0);
    CHECK(run(profile, [] { return static_cast<int>(::syscall(SYS_getppid)) > 0 ? 1 : 2; }) == 1'000 + SIGSYS);
}

TEST_CASE("confine_steps: given no Landlock, when a standing helper looks for paths, then its root is empty and read-only",
    "[helper][T-14][AP-8]")
{
    CHECK(run(wide(kOwn, false), [] {
        OCU_FACT(::open("/etc/hostname", O_RDONLY) == -1 && errno == ENOENT);
        OCU_FACT(::open("/proc/self/status", O_RDONLY) == -1 && errno == ENOENT);
        OCU_FACT(::access("../../../../etc", F_OK) == -1);
        struct statvfs root{};
        OCU_FACT(::statvfs("/", &root) == 0);
        OCU_FACT((root.f_flag & ST_RDONLY) != 0);
        OCU_FACT((root.f_flag & ST_NOEXEC) != 0);
        struct stat is{};
        OCU_FACT(::stat("/", &is) == 0 && is.st_nlink == 2);
        return kNoLine;
    }) == 0);
}

TEST_CASE(
    "confine_steps: given no empty root, when a per-session helper opens a path, then Landlock refuses it", "[helper][T-08][T-14][AP-8]")
{
    Directory const directory;
    CHECK(run(wide(kShared, true), [&directory] {
        OCU_FACT(::open("/etc/hostname", O_RDONLY) == -1 && errno == EACCES);
        OCU_FACT(::open("/", O_RDONLY | O_DIRECTORY) == -1 && errno == EACCES);
        OCU_FACT(::open(directory.in("/made").c_str(), O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES);
        char program[] = "/bin/true";
        char* arguments[] = {program, nullptr};
        OCU_FACT(::execv(program, arguments) == -1 && errno == EACCES);
        return kNoLine;
    }) == 0);
}

TEST_CASE(
    "confine_steps: given one directory, when a per-session helper is confined to it, then it works there, not elsewhere, and makes "
    "nothing but files",
    "[helper][T-08][T-14][AP-8]")
{
    Directory const directory;
    Directory const other;
    auto const profile = wide(kShared, true);
    CHECK(run(
              profile,
              [&] {
                  UniqueFd const made(::open(directory.in("/made").c_str(), O_RDWR | O_CREAT, 0700));
                  OCU_FACT(made);
                  OCU_FACT(::write(made.get(), "#!/bin/true\n", 12) == 12);
                  OCU_FACT(::ftruncate(made.get(), 3) == 0);
                  OCU_FACT(::mkfifo(directory.in("/fifo").c_str(), 0600) == -1 && errno == EACCES);
                  OCU_FACT(::mknod(directory.in("/device").c_str(), S_IFSOCK | 0600, 0) == -1 && errno == EACCES);
                  OCU_FACT(::open(other.in("/made").c_str(), O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES);
                  OCU_FACT(::open("/etc/hostname", O_RDONLY) == -1 && errno == EACCES);
                  OCU_FACT(::rename(directory.in("/made").c_str(), other.in("/made").c_str()) == -1);
                  std::string program = directory.in("/made");
                  char* arguments[] = {program.data(), nullptr};
                  OCU_FACT(::execv(program.c_str(), arguments) == -1 && errno != ETXTBSY && errno != ENOEXEC);
                  return kNoLine;
              },
              directory.path) == 0);
}

TEST_CASE(
    "confine_steps: given a network as it was, when a helper under Landlock binds or connects by TCP, or signals out, then it is refused",
    "[helper][T-05][T-14][AP-8]")
{
    REQUIRE(loopback_is_up());
    auto const facts = [](bool refused) {
        return [refused] {
            UniqueFd const socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            OCU_FACT(socket);
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            int const bound = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
            OCU_FACT(refused ? bound == -1 && errno == EACCES : bound == 0);
            address.sin_port = htons(9);
            OCU_FACT(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == -1);
            OCU_FACT(refused ? errno == EACCES : errno == ECONNREFUSED);
            return kNoLine;
        };
    };
    CHECK(run(wide(kAsStarted, true), facts(true)) == 0);
    CHECK(run(wide(kAsStarted, false), facts(false)) == 0);  // so it is Landlock that refuses
    // Root without capabilities may signal root by the classic rules: only the scope is in the way.
    auto const signalling = [](bool refused) {
        return [refused] {
            int const sent = ::kill(::getppid(), 0);
            OCU_FACT(refused ? sent == -1 && errno == EPERM : sent == 0);
            return kNoLine;
        };
    };
    CHECK(run(wide(kAsStarted, true, true), signalling(true)) == 0);
    CHECK(run(wide(kAsStarted, false, true), signalling(false)) == 0);
}

TEST_CASE(
    "confine_steps: given a host with a network, when a helper is confined, then it sees another, empty one", "[helper][T-05][T-14][AP-8]")
{
    REQUIRE(loopback_is_up());
    auto const alone = [] {
        OCU_FACT(!loopback_is_up());
        OCU_FACT(::if_nametoindex("lo") == 1);
        return kNoLine;
    };
    CHECK(run(wide(kOwn, false), alone) == 0);
    CHECK(run(wide(kShared, false), alone) == 0);
    CHECK(run(wide(kOwn, false, true), alone) == 0);
    CHECK(run(wide(kAsStarted, false), [] { return loopback_is_up() ? kNoLine : 1; }) == 0);
}

TEST_CASE("confine_steps: given a message queue of the host, when a standing helper asks for it, then it is in another IPC namespace",
    "[helper][T-14][AP-8]")
{
    int const queue = ::msgget(0x0c0'ffee, IPC_CREAT | 0666);
    REQUIRE(queue >= 0);
    auto const found = [] { return ::msgget(0x0c0'ffee, 0) >= 0 ? 1 : 0; };
    CHECK(run(wide(kShared, false), found) == 1);
    CHECK(run(wide(kOwn, false), found) == 0);
    REQUIRE(::msgctl(queue, IPC_RMID, nullptr) == 0);
}
