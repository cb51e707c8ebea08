// SPDX-License-Identifier: GPL-3.0-or-later
// What mounter and stick can do once they are confined, and what they cannot (AP-8). Also main(): this program is its own helpers, and
// in an emulator its own first process, so that the same tests run where the kernel knows every format.

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <dirent.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "appliance/commands.h"
#include "appliance/profiles/mounter.h"
#include "appliance/profiles/stick.h"
#include "base/crypto/crypto.h"
#include "proto/stick_to_init.h"
#include "stick/helpers.h"
#include "support/helper_process.h"
#include "volumes.h"

namespace test_stick_helpers {

using namespace ocu;
using test::HelperProcess;
using test::images;
using test::LoopDevice;

constexpr int kHeld = 0;
constexpr int kBroken = 42;
constexpr int kNotConfined = 43;

struct Attempt {
    char const* name;
    bool (*happened)();
};

int make_tmpfs()
{
    int const context = static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
    if (context < 0 || ::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
    return static_cast<int>(::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
}

// Each is true when the forbidden thing worked.
constexpr std::array kAttempts{
    Attempt{"open a file elsewhere", [] { return ::open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0; }},
    Attempt{"open by openat2 elsewhere",
        [] {
            std::array<std::uint64_t, 3> how{O_RDONLY, 0, 0};
            return ::syscall(SYS_openat2, AT_FDCWD, "/proc/self/status", how.data(), sizeof how) >= 0 ||
                   ::syscall(SYS_openat2, AT_FDCWD, "/", how.data(), sizeof how) >= 0;
        }},
    Attempt{"make an internet socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
    Attempt{"make a unix socket", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }},
    Attempt{"make a netlink socket", [] { return ::socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }},
    Attempt{"execute a program",
        [] {
            char program[] = "/bin/true";
            char* arguments[] = {program, nullptr};
            return ::execv(program, arguments) == 0;
        }},
    Attempt{"become root", [] { return ::setresuid(0, 0, 0) == 0; }},
    Attempt{"mount the old way", [] { return ::mount("none", "/", "tmpfs", 0, nullptr) == 0; }},
    Attempt{"attach a mount", [] { return ::syscall(SYS_move_mount, make_tmpfs(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0; }},
    Attempt{"copy a mount", [] { return ::syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE) >= 0; }},
    Attempt{"change a mount",
        [] {
            mount_attr change{};
            change.attr_clr = MOUNT_ATTR_RDONLY;
            return ::syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &change, sizeof change) == 0;
        }},
    Attempt{"unmount", [] { return ::umount2("/", MNT_DETACH) == 0; }},
    Attempt{"leave its root", [] { return ::chroot(".") == 0; }},
    Attempt{"make a namespace", [] { return ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER) == 0; }},
    Attempt{"enter a namespace", [] { return ::setns(0, 0) == 0; }},
    Attempt{"make a device node", [] { return ::mknod("node", S_IFBLK | 0600, makedev(7, 0)) == 0; }},
    Attempt{"talk to a device", [] { return ::ioctl(0, 0x1261) == 0; }},
    Attempt{"signal the parent", [] { return ::kill(::getppid(), SIGCONT) == 0; }},
    Attempt{"trace the parent", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr) == 0; }},
    Attempt{"load a program into the kernel",
        [] {
            std::array<std::byte, 128> attributes{};
            return ::syscall(SYS_bpf, 0, attributes.data(), attributes.size()) >= 0;
        }},
    Attempt{"start a process", [] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr) >= 0; }},
    Attempt{"restart the machine's clock", [] { return ::syscall(SYS_settimeofday, nullptr, nullptr) == 0; }},
};

struct Nothing {
    static void fields(auto&, auto&) {}
};

[[noreturn]] void confined_child(helper::Profile const& profile, int link, bool (*happened)())
{
    if (::dup2(link, helper::kLinkFd) < 0) ::_exit(kNotConfined);
    auto self = helper::Helper::begin(profile.name);
    if (!self || !self->receive_config<Nothing>() || !self->keep_out_of_swap_and_cores(profile) || !self->confine(profile))
        ::_exit(kNotConfined);
    ::syscall(SYS_exit_group, happened != nullptr && happened() ? kBroken : kHeld);
    __builtin_unreachable();
}

int run_confined(helper::Profile const& profile, bool (*happened)())
{
    auto pair = make_socket_pair().value();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) confined_child(profile, pair.theirs.get(), happened);
    REQUIRE(helper::write_frame(pair.ours.get(), helper::kConfigureType, {}, {}));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

std::string field(int pid, std::string const& name)
{
    std::istringstream lines(test::content_of("/proc/" + std::to_string(pid) + "/status"));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    return "";
}

UniqueFd node_of(LoopDevice const& device)
{
    auto const path = "/var/tmp/ocu-node." + std::to_string(::getpid());
    ::unlink(path.c_str());
    REQUIRE(::mknod(path.c_str(), S_IFBLK | 0600, device.number()) == 0);
    UniqueFd node(::open(path.c_str(), O_PATH | O_CLOEXEC));
    ::unlink(path.c_str());
    REQUIRE(node);
    return node;
}

// The mount that mounter hands over for this image, and mounter, still there.
UniqueFd mounted(HelperProcess& mounter, LoopDevice const& device, proto::VolumeFormat format, proto::VolumeAccess access)
{
    auto const node = node_of(device);
    mounter.configure(proto::MounterConfig{"sda9", format, access}, {node.get()});
    mounter.ready();
    auto frame = mounter.receive();
    REQUIRE(frame);
    REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::volume_mounted));
    REQUIRE(frame->descriptors.size() == 1);
    return std::move(frame->descriptors[0]);
}

}  // namespace test_stick_helpers

using namespace test_stick_helpers;

TEST_CASE(
    "stick helpers: given each of their profiles, when it is put on, then the process lives; when it tries what it must not do, then it is "
    "killed or refused",
    "[stick][T-14][T-18][AP-8]")
{
    for (auto const* profile : {&profiles::kMounter, &profiles::kStick, &profiles::kStickReport, &profiles::kStickCopy}) {
        INFO(profile->name << " with " << profile->capabilities.size() << " capabilities");
        CHECK(run_confined(*profile, nullptr) == 0);
        for (auto const& attempt : kAttempts) {
            INFO("tries to " << attempt.name);
            int const status = run_confined(*profile, attempt.happened);
            bool const killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
            bool const refused = WIFEXITED(status) && WEXITSTATUS(status) == kHeld;
            CHECK((killed || refused));
        }
    }
}

TEST_CASE("stick helpers: given stick's profile, when it tries to make any mount, then it is killed", "[stick][T-18][AP-8]")
{
    for (auto const* profile : {&profiles::kStick, &profiles::kStickReport, &profiles::kStickCopy}) {
        int const status = run_confined(*profile, [] { return make_tmpfs() >= 0; });
        CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS));
    }
}

TEST_CASE(
    "mounter: given a volume, when it has mounted it, then the mount has every flag, is attached nowhere, and the process kept one "
    "capability",
    "[stick][T-18][AP-8]")
{
    if (!test::have_loop_devices()) SKIP("this machine has no loop devices");
    LoopDevice const device(images() / "ext4.img", LoopDevice::Access::read_only);
    auto const mounts_before = test::content_of("/proc/self/mountinfo");
    HelperProcess mounter("mounter", stick::mounter_main);
    auto const mount = mounted(mounter, device, proto::VolumeFormat::ext4, proto::VolumeAccess::read);
    struct statvfs status{};
    REQUIRE(::fstatvfs(mount.get(), &status) == 0);
    constexpr unsigned long kNoSymlinks = 0x2000;
    for (unsigned long const flag : {static_cast<unsigned long>(ST_RDONLY), static_cast<unsigned long>(ST_NOSUID),
             static_cast<unsigned long>(ST_NODEV), static_cast<unsigned long>(ST_NOEXEC), kNoSymlinks})
        CHECK((status.f_flag & flag) == flag);
    CHECK(test::content_of("/proc/self/mountinfo") == mounts_before);
    constexpr char kSysAdmin[] = "0000000000200000";
    for (auto const* const each : {"CapPrm", "CapEff", "CapBnd"}) CHECK(field(mounter.pid(), each) == kSysAdmin);
    for (auto const* const each : {"CapInh", "CapAmb"}) CHECK(field(mounter.pid(), each) == "0000000000000000");
    CHECK(field(mounter.pid(), "Seccomp") == "2");
    CHECK(field(mounter.pid(), "NoNewPrivs") == "1");
    CHECK(field(mounter.pid(), "Uid").starts_with(std::to_string(helper::kHelperUidBase + profiles::kMounter.user_offset) + "\t"));
    CHECK(mounter.end() == 0);
}

TEST_CASE("mounter: given a writable mount, when its flags are read, then only read-only is missing", "[stick][T-18][AP-8]")
{
    if (!test::have_loop_devices()) SKIP("this machine has no loop devices");
    auto const copy = "/var/tmp/ocu-stick-copy." + std::to_string(::getpid());
    std::filesystem::copy_file(images() / "ext4.img", copy);
    {
        LoopDevice const device(copy, LoopDevice::Access::read_write);
        HelperProcess mounter("mounter", stick::mounter_main);
        auto const mount = mounted(mounter, device, proto::VolumeFormat::ext4, proto::VolumeAccess::write);
        struct statvfs status{};
        REQUIRE(::fstatvfs(mount.get(), &status) == 0);
        CHECK((status.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)) == (ST_NOSUID | ST_NODEV | ST_NOEXEC));
    }
    std::filesystem::remove(copy);
}

TEST_CASE("mounter: given a descriptor that is no block device, or a name that is a path, when it is configured, then it does not start",
    "[stick][T-18]")
{
    if (!test::have_loop_devices()) SKIP("this machine has no loop devices");
    UniqueFd const null(::open("/dev/null", O_PATH | O_CLOEXEC));
    HelperProcess with_null("mounter", stick::mounter_main);
    with_null.configure(proto::MounterConfig{"sda9", proto::VolumeFormat::ext4, proto::VolumeAccess::read}, {null.get()});
    CHECK(WEXITSTATUS(with_null.wait()) == 1);
    LoopDevice const device(images() / "ext4.img", LoopDevice::Access::read_only);
    auto const node = node_of(device);
    HelperProcess with_path("mounter", stick::mounter_main);
    with_path.configure(proto::MounterConfig{"../sda9", proto::VolumeFormat::ext4, proto::VolumeAccess::read}, {node.get()});
    CHECK(WEXITSTATUS(with_path.wait()) == 1);
    HelperProcess with_none("mounter", stick::mounter_main);
    with_none.configure(proto::MounterConfig{"sda9", proto::VolumeFormat::ext4, proto::VolumeAccess::read});
    CHECK(WEXITSTATUS(with_none.wait()) == 1);
}

TEST_CASE(
    "stick: given a mount to report on, when a file has the name of another directory, or the count is wrong, then nothing is written "
    "there",
    "[stick][T-18]")
{
    char folder[] = "/var/tmp/ocu-report.XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    UniqueFd const root(::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
    {
        HelperProcess stick("stick", stick::stick_main);
        stick.configure(proto::StickConfig{proto::StickWork::report, {}, {}}, {root.get()});
        stick.ready();
        CHECK(field(stick.pid(), "CapEff") == "0000000000000002");
        stick.send(proto::ReportFile{"../outside", "x"});
        CHECK(stick.expect<proto::StickRefused>().why == proto::StickRefusal::unreadable);
        CHECK(stick.wait() == 0);
    }
    {
        HelperProcess stick("stick", stick::stick_main);
        stick.configure(proto::StickConfig{proto::StickWork::report, {}, {}}, {root.get()});
        stick.ready();
        stick.send(proto::ReportFile{"inside", "x"});
        stick.send(proto::ReportEnd{2});
        CHECK(WEXITSTATUS(stick.wait()) == 1);
    }
    CHECK_FALSE(std::filesystem::exists(std::filesystem::path(folder).parent_path() / "outside"));
    std::filesystem::remove_all(folder);
}

TEST_CASE("stick: given a directory to read, when it answers, then it had no capability and nothing else open", "[stick][T-18][AP-8]")
{
    char folder[] = "/var/tmp/ocu-read.XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    REQUIRE(::chmod(folder, 0755) == 0);
    std::ofstream(std::filesystem::path(folder) / "manifest.json") << "m";
    std::ofstream(std::filesystem::path(folder) / "manifest.json.minisig") << "s";
    UniqueFd const root(::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
    HelperProcess stick("stick", stick::stick_main);
    stick.configure(proto::StickConfig{proto::StickWork::read, {}, {}}, {root.get()});
    stick.ready();
    auto const files = stick.expect<proto::StickFiles>();
    CHECK(files.manifest.view() == "m");
    CHECK(files.signature.view() == "s");
    CHECK(stick.wait() == 0);
    std::filesystem::remove_all(folder);
}

TEST_CASE(
    "stick: given a file to copy, when it has the hash, then it is there whole; when it has not, then that is said", "[stick][T-34][AP-8]")
{
    auto const folder = std::filesystem::path("/var/tmp/ocu-copy." + std::to_string(::getpid()));
    std::filesystem::create_directories(folder / "mounts");
    std::string const content(3u << 20, 's');
    std::ofstream(folder / "mounts" / "skills.erofs") << content;
    UniqueFd const root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (auto const& expected : {content, content + "more"}) {
        UniqueFd const into(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400));
        HelperProcess stick("stick", stick::stick_main);
        stick.configure(
            proto::StickConfig{proto::StickWork::copy, "skills", crypto::to_hex(crypto::sha256(expected))}, {root.get(), into.get()});
        stick.ready();
        if (expected == content) {
            CHECK(stick.expect<proto::FileCopied>().bytes == content.size());
            std::string copied(content.size() + 1, '\0');
            CHECK(::pread(into.get(), copied.data(), copied.size(), 0) == static_cast<ssize_t>(content.size()));
            CHECK(copied.starts_with(content));
        } else {
            CHECK(stick.expect<proto::StickRefused>().why == proto::StickRefusal::other_file);
        }
        CHECK(stick.wait() == 0);
    }
    HelperProcess without("stick", stick::stick_main);
    without.configure(proto::StickConfig{proto::StickWork::copy, "skills", crypto::to_hex(crypto::sha256(content))}, {root.get()});
    CHECK(WEXITSTATUS(without.wait()) == 1);
    std::filesystem::remove_all(folder);
}

namespace {

// In an emulator: mounts what a test needs, loads what lies in /modules in the order of the names, runs everything, and stops the machine.
int first_process(int argc, char** argv)
{
    // Helpers leave their root behind, and the very first one cannot be left: the same files, as a mount that can.
    ::mkdir("/new", 0755);
    if (::mount("/", "/new", nullptr, MS_BIND, nullptr) != 0 || ::chdir("/new") != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 ||
        ::chroot(".") != 0 || ::chdir("/") != 0)
        std::perror("another root");
    for (auto const* const each : {"/proc", "/sys", "/dev", "/var", "/var/tmp", "/tmp"}) ::mkdir(each, 0755);
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
    ::mount("dev", "/dev", "devtmpfs", 0, nullptr);
    ::mount("tmp", "/tmp", "tmpfs", 0, nullptr);
    ::mount("tmp", "/var/tmp", "tmpfs", 0, nullptr);
    ::setenv("OCU_STICK_IMAGES", "/images", 1);
    constexpr int kCompressed = 4;  // the kernel unpacks it
    std::vector<std::filesystem::path> modules;
    for (auto const& each : std::filesystem::directory_iterator("/modules")) modules.push_back(each.path());
    std::ranges::sort(modules);
    for (auto const& each : modules) {
        ocu::UniqueFd const module(::open(each.c_str(), O_RDONLY | O_CLOEXEC));
        if (::syscall(SYS_finit_module, module.get(), "", each.extension() == ".ko" ? 0 : kCompressed) != 0) std::perror(each.c_str());
    }
    pid_t const child = ::fork();
    if (child == 0) ::_exit(Catch::Session().run(argc, argv));
    int status = 0;
    while (::waitpid(child, &status, 0) != child) {
    }
    std::printf("STICK TESTS %d\n", status);
    std::fflush(stdout);
    ::sync();
    return ::reboot(RB_POWER_OFF);
}

}  // namespace

int main(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && std::string_view(argv[1]) == "helper") return ocu::appliance::helper_main(argc - 1, argv + 1);
    if (::getpid() == 1) return first_process(1, argv);
    int const result = Catch::Session().run(argc, argv);
    std::error_code ignored;
    std::filesystem::remove_all("/var/tmp/ocu-sticks." + std::to_string(::getpid()), ignored);
    return result;
}
