// SPDX-License-Identifier: GPL-3.0-or-later
// Process: the real launcher, confined, with real runtimes. Needs root, OCU_IMAGE, OCU_RUNC and OCU_RUNSC; static build only, because this
// program is also the guest's first process.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch_session.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/process/launcher/bench.h"

using namespace ocu;
using namespace ocu::process_test;

namespace {

constexpr Slot kSlot{3};

proto::Tier tier_under_test() { return GENERATE(proto::Tier::runc, proto::Tier::gvisor); }

std::string accepted_destination(int listener)
{
    pollfd entry{listener, POLLIN, 0};
    if (::poll(&entry, 1, 10'000) != 1) return "nobody came";
    UniqueFd const connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    sockaddr_in6 wanted{};
    socklen_t size = sizeof wanted;
    ::getsockname(connection.get(), reinterpret_cast<sockaddr*>(&wanted), &size);
    char text[INET6_ADDRSTRLEN]{};
    ::inet_ntop(AF_INET6, &wanted.sin6_addr, text, sizeof text);
    std::string const address(text);
    return (address.starts_with("::ffff:") ? address.substr(7) : address) + ":" + std::to_string(ntohs(wanted.sin6_port));
}

// Of our image only: other programs of the machine come and go.
std::size_t attached_loop_devices()
{
    std::size_t count = 0;
    for (auto const& device : std::filesystem::directory_iterator("/sys/block"))
        if (text_of(device.path() / "loop/backing_file") == setting("OCU_IMAGE") + "\n") ++count;
    return count;
}

}  // namespace

TEST_CASE("launcher: given a started guest, when it is asked who it is, then it is confined as the bundle says",
    "[process][launcher][SX-1][SX-2][T-04]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    CHECK(bench.ask(guest, "id -u; id -g; hostname; grep CapEff /proc/self/status; setpriv --dump 2>/dev/null | grep no_new_privs") ==
          "1000\n1000\nsandbox\nCapEff:\t0000000000000000\nno_new_privs: 1\n");
    CHECK(bench.ask(guest, "touch /x /etc/x /run/x /run/ocu/agent /mnt/user-data/uploads/x 2>&1 | grep -c 'cannot touch'") == "5\n");
    CHECK(bench.ask(guest,
              "touch /workspace/a /tmp/b /dev/shm/c && echo made; stat -c '%u %a' /workspace /tmp /dev/shm; stat -c %u /etc/passwd") ==
          "made\n1000 755\n0 1777\n0 1777\n0\n");
    CHECK(bench.ask(guest,
              "ls /mnt/user-data; cat /etc/resolv.conf; ls -l /sys/class/net 2>/dev/null; cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' "
              "' | LC_ALL=C sort") == "outputs\nuploads\nnameserver 100.64.0.1\noptions timeout:2 attempts:1\neth0\nlo\n");
    // gVisor gives its guests namespaces of its own making; they are none of this kernel's.
    if (tier == proto::Tier::runc)
        CHECK(
            bench.ask(guest,
                "unshare -U true 2>/dev/null && echo escaped; mount -t tmpfs x /tmp 2>/dev/null && echo escaped; "
                "python3 -c 'import socket; socket.socket(40, socket.SOCK_STREAM)' 2>/dev/null && echo escaped; echo asked") == "asked\n");
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a guest, when it dials any address, then the lane's listener gets it with the address dialled",
    "[process][launcher][SX-7][T-05]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    auto const dial = [&](std::string const& to, int port) {
        std::string const line =
            "python3 -c \"import socket; s=socket.create_connection(('" + to + "'," + std::to_string(port) + "),5); s.close()\"";
        return bench.ask(guest, line);
    };
    CHECK(dial("93.184.216.34", 443).empty());
    CHECK(accepted_destination(guest.tcp_listener.get()) == "93.184.216.34:443");
    CHECK(dial("169.254.169.254", 80).empty());
    CHECK(accepted_destination(guest.tcp_listener.get()) == "169.254.169.254:80");
    CHECK(dial("100.64.0.1", 22).empty());
    CHECK(accepted_destination(guest.tcp_listener.get()) == "100.64.0.1:22");
    CHECK(dial("2606:2800:220::1", 443).empty());
    CHECK(accepted_destination(guest.tcp_listener.get()) == "2606:2800:220::1:443");
    CHECK(dial("64:ff9b:1:ffff::7", 8443).empty());
    CHECK(accepted_destination(guest.tcp_listener.get()) == "64:ff9b:1:ffff::7:8443");
    // A query to any server arrives; another datagram is refused at once.
    CHECK(bench
            .ask(
                guest, "python3 -c \"import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.sendto(b'query',('8.8.8.8',53))\"")
            .empty());
    char datagram[16];
    pollfd entry{guest.dns_socket.get(), POLLIN, 0};
    CHECK(::poll(&entry, 1, 5000) == 1);
    CHECK(::recv(guest.dns_socket.get(), datagram, sizeof datagram, 0) == 5);
    CHECK(bench
            .ask(guest,
                "python3 -c \"import socket; s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.sendto(b'querysix',('2001:4860::8',53))\"")
            .empty());
    CHECK(::poll(&entry, 1, 5000) == 1);
    CHECK(::recv(guest.dns_socket.get(), datagram, sizeof datagram, 0) == 8);
    CHECK(bench.ask(guest,
              "printf 'import "
              "socket\\ns=socket.socket(10,2)\\ns.connect((\"2001:4860::8\",123))\\ns.send(b\"x\")\\ns.settimeout(5)\\ns.recv(1)\\n' | "
              "python3 2>&1 | tail -n 1") == "ConnectionRefusedError: [Errno 111] Connection refused\n");
    CHECK(bench.ask(guest,
              "printf 'import "
              "socket\\ns=socket.socket(2,2)\\ns.connect((\"8.8.8.8\",123))\\ns.send(b\"x\")\\ns.settimeout(5)\\ns.recv(1)\\n' | "
              "python3 2>&1 | tail -n 1") == "ConnectionRefusedError: [Errno 111] Connection refused\n");
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a fork bomb, when the guest is killed, then nothing of it is left", "[process][launcher][CT-2][T-06][T-17]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    CHECK(bench.ask(guest, "echo up") == "up\n");
    std::string const line =
        "python3 -c \"$(printf 'import os\\nwhile 1:\\n try: os.fork()\\n except OSError: pass')\" >/dev/null 2>&1 &\n";
    REQUIRE(::write(guest.channel.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    REQUIRE(bench.tasks_reach(kSlot, 120));
    auto const before = std::chrono::steady_clock::now();
    bench.kill(kSlot);
    auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
    WARN("killed in " << took.count() << " ms");
    CHECK(took < 5s);
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a guest that works and holds memory, when it is measured and killed, then the kernel's counts of it, the last before Killed",
    "[process][launcher][AU-1][T-37]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    auto const before = bench.measure(kSlot);
    REQUIRE((before.cpu_known && before.memory_known));
    CHECK(bench.ask(guest, "head -c 33554432 /dev/zero > /tmp/x; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done") == "done\n");
    auto const after = bench.measure(kSlot);
    CHECK(after.slot == kSlot);
    CHECK(after.cpu_us > before.cpu_us);
    CHECK(after.memory_bytes >= before.memory_bytes + (16u << 20));
    bench.kill(kSlot);
    CHECK(bench.last_measured.slot == kSlot);
    CHECK((bench.last_measured.cpu_known && bench.last_measured.memory_known));
    CHECK(bench.last_measured.cpu_us >= after.cpu_us);
    bench.destroy(kSlot);
    CHECK_FALSE(bench.measure(kSlot).cpu_known);  // its cgroup is gone
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a guest that waits, when it is paused, then it takes no time and says nothing, and goes on or dies like any other",
    "[process][launcher][SX-6][CT-2]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    CHECK(bench.ask(guest, "echo here") == "here\n");
    bench.say(proto::LauncherPause{kSlot});
    auto const before = bench.measure(kSlot);  // answered in order: by now it is paused
    REQUIRE(::write(guest.channel.get(), "echo on\n", 8) == 8);
    pollfd entry{guest.channel.get(), POLLIN, 0};
    CHECK(::poll(&entry, 1, 500) == 0);
    CHECK(bench.measure(kSlot).cpu_us - before.cpu_us < 20'000);
    SECTION("it goes on")
    {
        bench.say(proto::LauncherResume{kSlot});
        CHECK(::poll(&entry, 1, 10'000) == 1);
    }
    SECTION("it dies")
    {
        auto const from = std::chrono::steady_clock::now();
        bench.kill(kSlot);
        CHECK(std::chrono::steady_clock::now() - from < 2s);
        bench.say(proto::LauncherPause{kSlot});  // what is dead stays as it is
    }
    SECTION("another launcher lets it go on, or kills it")
    {
        bench.kill_launcher();
        bench.start_launcher();
        if (GENERATE(true, false)) {
            bench.say(proto::LauncherResume{kSlot});
            CHECK(::poll(&entry, 1, 10'000) == 1);
        }
    }
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a file mount that nobody serves, when a start hangs on it, then kill and other sessions go on",
    "[process][launcher][CT-2][T-17]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const stuck = bench.prepare(kSlot, tier);  // its connection is held open and never read
    bench.say(proto::LauncherStart{kSlot});
    auto const other = bench.start(Slot{4}, proto::Tier::runc);
    CHECK(bench.ask(other, "echo well") == "well\n");
    auto const before = std::chrono::steady_clock::now();
    bench.kill(kSlot);
    CHECK(std::chrono::steady_clock::now() - before < 2s);
    bench.destroy(kSlot);
    bench.destroy(Slot{4});
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a guest whose first process leaves, when it does, then that is told", "[process][launcher][T-13]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    REQUIRE(::write(guest.channel.get(), "leave\n", 6) == 6);
    CHECK(bench.receive(10s).type == static_cast<std::uint16_t>(proto::LauncherExited::kType));
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given slots in every phase, when the core is gone, then the launcher takes all away and ends",
    "[process][launcher][CT-1][T-13]")
{
    Bench bench;
    auto const running = bench.start(Slot{0}, proto::Tier::runc);
    auto const running_too = bench.start(Slot{1}, proto::Tier::gvisor);
    auto const prepared = bench.prepare(Slot{2}, proto::Tier::runc);
    bench.end_launcher();
    CHECK(bench.remains().empty());
    CHECK_FALSE(std::filesystem::exists(bench.run() / "image"));
}

TEST_CASE("launcher: given a killed launcher, when another is started, then guests went on and it can take them away",
    "[process][launcher][CT-1][T-13]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const guest = bench.start(kSlot, tier);
    bench.kill_launcher();
    CHECK(bench.ask(guest, "echo still here") == "still here\n");
    bench.start_launcher();
    CHECK(bench.ask(guest, "echo and still") == "and still\n");
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given unknown slots and wrong orders, when they are asked for, then they are refused or harmless",
    "[process][launcher][T-14]")
{
    Bench bench;
    bench.say(proto::LauncherStart{kSlot});
    CHECK(wire::decode<proto::LauncherFailed>(bench.receive(5s).body)->stage == proto::LaunchStage::start);
    bench.kill(Slot{5});
    bench.destroy(Slot{5});
    bench.destroy(Slot{5});
    auto const prepared = bench.prepare(kSlot, proto::Tier::runc);
    bench.say(proto::LauncherPrepare{kSlot, proto::Tier::runc});
    CHECK(wire::decode<proto::LauncherFailed>(bench.receive(5s).body)->stage == proto::LaunchStage::prepare);
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE("launcher: given a runtime that fails, when a guest is started, then that is said and the slot can be destroyed",
    "[process][launcher][CT-1]")
{
    Bench bench("/bin/false");
    auto const prepared = bench.prepare(kSlot, proto::Tier::runc);
    bench.say(proto::LauncherStart{kSlot});
    CHECK(wire::decode<proto::LauncherFailed>(bench.receive(5s).body)->stage == proto::LaunchStage::start);
    bench.destroy(kSlot);
    CHECK(bench.remains().empty());
}

TEST_CASE(
    "launcher: given fifty rounds of create and destroy, when they are over, then nothing has piled up", "[process][launcher][CT-1][T-13]")
{
    auto const tier = tier_under_test();
    Bench bench;
    auto const descriptors = [&] {
        return std::distance(std::filesystem::directory_iterator("/proc/" + std::to_string(bench.pid()) + "/fd"), {});
    };
    {
        auto const warm = bench.start(kSlot, tier);
    }
    bench.destroy(kSlot);
    auto const descriptors_before = descriptors();
    auto const loops_before = attached_loop_devices();
    auto const began = std::chrono::steady_clock::now();
    for (int round = 0; round < 50; ++round) {
        auto const guest = bench.start(Slot{static_cast<std::uint64_t>(round % 8)}, tier);
        CHECK(bench.ask(guest, "echo " + std::to_string(round)) == std::to_string(round) + "\n");
        bench.destroy(Slot{static_cast<std::uint64_t>(round % 8)});
    }
    WARN("a round took " << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count() / 50
                         << " ms");
    CHECK(bench.remains().empty());
    CHECK(descriptors() == descriptors_before);
    CHECK(attached_loop_devices() == loops_before);
    // A lane's namespaces live by a process or a descriptor: there are neither.
    auto const launcher = std::to_string(bench.pid());
    CHECK(text_of("/proc/" + launcher + "/task/" + launcher + "/children").empty());
}

int main(int argument_count, char** arguments)
{
    if (std::string_view(arguments[0]) == "/run/ocu/agent") return guest_program();
    if (::geteuid() != 0 || setting("OCU_IMAGE").empty() || setting("OCU_RUNC").empty() || setting("OCU_RUNSC").empty()) {
        std::fprintf(stderr, "test_launcher: root, OCU_IMAGE, OCU_RUNC and OCU_RUNSC are needed\n");
        return 77;
    }
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 1;
    return Catch::Session().run(argument_count, arguments);
}
