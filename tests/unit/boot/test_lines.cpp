// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/core_lines, kernel_events, secure_boot, announce. Short texts that the first process reads and writes.

#include "appliance/init/announce.h"
#include "appliance/init/core_lines.h"
#include "appliance/init/core_process.h"
#include "appliance/init/ground.h"
#include "appliance/init/kernel_events.h"
#include "appliance/init/own_log.h"
#include "appliance/init/secure_boot.h"

#include <set>

namespace test_lines {

using namespace ocu;
using namespace ocu::init;

TEST_CASE("core_lines: given the line of a core that serves, when it is read, then the addresses are known", "[boot][AP-4]")
{
    auto const ready = parse_ready("READY mcp=https://192.0.2.7:8443/mcp token-file=/state/x files=https://192.0.2.7:8444/ state=/state");
    REQUIRE(ready);
    CHECK(ready->mcp_url == "https://192.0.2.7:8443/mcp");
    CHECK(ready->files_url == "https://192.0.2.7:8444/");
}

TEST_CASE("core_lines: given another line, when it is read, then nobody serves", "[boot][AP-4]")
{
    for (std::string_view const bad : {"", "READY", "READY ", "READY mcp=x", "READY files=x", "READY mcp= files=x", "ready mcp=x files=y",
             " READY mcp=x files=y", "NOT READY mcp=x files=y"}) {
        INFO(bad);
        CHECK_FALSE(parse_ready(bad));
    }
}

TEST_CASE("core_lines: given a status, when it is written and read, then it is the same", "[boot][AP-9]")
{
    appliance::CoreStatus const status{12, 8, 9, true, appliance::KeyBinding::tpm};
    CHECK(appliance::status_line(status) == "STATUS sessions=12 helpers=8/9 frozen=yes vault-key=tpm");
    CHECK(appliance::parse_status(appliance::status_line(status)) == status);
    appliance::CoreStatus const failing{1, 9, 9, false, appliance::KeyBinding::file, proto::WebhookHealth::failing};
    CHECK(appliance::status_line(failing) == "STATUS sessions=1 helpers=9/9 frozen=no vault-key=file webhook=failing");
    CHECK(appliance::parse_status(appliance::status_line(failing)) == failing);
    appliance::CoreStatus const filling{1, 9, 9, false, appliance::KeyBinding::file, proto::WebhookHealth::none, 83};
    CHECK(appliance::status_line(filling) == "STATUS sessions=1 helpers=9/9 frozen=no vault-key=file audit-disk=83");
    CHECK(appliance::parse_status(appliance::status_line(filling)) == filling);
    CHECK_FALSE(appliance::parse_status("STATUS sessions=1 helpers=9/9 frozen=no vault-key=file audit-disk=101"));
    CHECK_FALSE(appliance::parse_status("STATUS sessions=1 helpers=9/9 frozen=no vault-key=file webhook=maybe"));
    for (std::string_view const bad :
        {"", "STATUS", "STATUS sessions=1 helpers=8 frozen=no vault-key=file", "STATUS sessions=-1 helpers=8/9 frozen=no vault-key=file",
            "STATUS sessions=1 helpers=8/9 vault-key=file", "STATUS sessions=1 helpers=8/9 frozen=maybe vault-key=file",
            "STATUS sessions=99999999999 helpers=8/9 frozen=no vault-key=file", "STATUS sessions=1 helpers=8/9 frozen=no",
            "STATUS sessions=1 helpers=8/9 frozen=no vault-key=none"})
        CHECK_FALSE(appliance::parse_status(bad));
}

TEST_CASE("core_lines: given the last words of a core, when they are read, then key and reason are told apart", "[boot][AP-2]")
{
    auto const refused = parse_last_words("error: manifest refused: mcp.tls.key: is sealed to another");
    REQUIRE(refused);
    CHECK(refused->key == "mcp.tls.key");
    CHECK(refused->reason == "is sealed to another");
    CHECK(parse_last_words("error: manifest refused: no key here: why")->key.empty());
    CHECK(parse_last_words("error: run: bind")->reason == "run: bind");
    CHECK_FALSE(parse_last_words("2026-11-26 error core: x"));
}

TEST_CASE("core_lines: given bytes in pieces, when they come, then whole lines go out, and long ones are cut", "[boot]")
{
    LineSplitter splitter;
    std::vector<std::string> lines;
    auto const feed = [&](std::string const& bytes) { splitter.feed(bytes, [&](std::string_view line) { lines.emplace_back(line); }); };
    feed("on");
    feed("e\ntwo\n\nthr");
    CHECK(lines == std::vector<std::string>{"one", "two", ""});
    feed("ee\n");
    CHECK(lines.back() == "three");
    lines.clear();
    for (int i = 0; i < 5; ++i) feed(std::string(kCoreLineBytesMax, 'x'));
    feed("tail\nnext\n");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == std::string(kCoreLineBytesMax, 'x'));
    CHECK(lines[1] == "next");
}

TEST_CASE("core_process: given a service address, when the core's words are made, then it is told, and else not", "[boot]")
{
    auto const words = core_arguments({"/m", "/t", "/dev/dm-1", "192.0.2.7", "/run/shipped/now"});
    CHECK(words[words.size() - 2] == "--service-address");
    CHECK(words.back() == "192.0.2.7");
    CHECK(*std::next(std::ranges::find(words, "--mounts")) == "/run/shipped/now");
    auto const without = core_arguments({"/m", "/t", "/dev/dm-1", "", "/run/shipped/now"});
    CHECK(std::ranges::find(without, "--service-address") == without.end());
}

std::string event(std::string_view action, std::string_view subsystem, std::string_view name, std::string_view path = "/devices/x")
{
    std::string out(action);
    out += "@" + std::string(path) + '\0';
    out += "ACTION=" + std::string(action) + '\0' + "DEVPATH=" + std::string(path) + '\0' + "SUBSYSTEM=" + std::string(subsystem) + '\0';
    return out + (subsystem == "net" ? "INTERFACE=" : "DEVNAME=") + std::string(name) + '\0' + "SEQNUM=7" + '\0';
}

TEST_CASE("kernel_events: given a disk or a card, when it comes or goes, then it is known by name", "[boot][T-18]")
{
    auto const came = parse_kernel_event(event("add", "block", "sdb1"));
    REQUIRE(came);
    CHECK(came->what == DeviceEvent::appeared);
    CHECK(came->of == DeviceClass::block);
    CHECK(came->device == "sdb1");
    CHECK(parse_kernel_event(event("remove", "block", "sdb1"))->what == DeviceEvent::vanished);
    CHECK(parse_kernel_event(event("change", "block", "sr0"))->what == DeviceEvent::appeared);
    CHECK(parse_kernel_event(event("add", "net", "eth0"))->of == DeviceClass::net);
}

TEST_CASE("kernel_events: given anything else, when it comes, then it is not ours", "[boot][T-18]")
{
    CHECK_FALSE(parse_kernel_event(""));
    CHECK_FALSE(parse_kernel_event("libudev"));
    CHECK_FALSE(parse_kernel_event(event("add", "usb", "usb1")));
    CHECK_FALSE(parse_kernel_event(event("bind", "block", "sdb")));
    CHECK_FALSE(parse_kernel_event(event("add", "net", "eth0", "/devices/x/net/eth0/queues/rx-0")));
    for (std::string_view const bad : {"", ".", "..", "../sda", "a/b", "a b", "0123456789012345678901234567890123", "sd\n"}) {
        INFO(bad);
        CHECK_FALSE(parse_kernel_event(event("add", "block", bad)));
    }
}

TEST_CASE("secure_boot: given the firmware's variables, when they are judged, then only one combination is on", "[boot][T-22]")
{
    auto const variable = [](int value) { return std::vector{std::byte{6}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte(value)}; };
    CHECK(judge_secure_boot(variable(1), variable(0)) == SecureBoot::on);
    CHECK(judge_secure_boot(variable(1), {}) == SecureBoot::on);
    CHECK(judge_secure_boot(variable(0), variable(0)) == SecureBoot::off);
    CHECK(judge_secure_boot({}, {}) == SecureBoot::off);
    CHECK(judge_secure_boot(variable(1), variable(1)) == SecureBoot::setup_mode);
    CHECK(judge_secure_boot(std::vector(6, std::byte{1}), variable(0)) == SecureBoot::off);
    CHECK(in_words(SecureBoot::on) == "on");
    for (auto const each : {SecureBoot::off, SecureBoot::setup_mode, SecureBoot::no_uefi}) CHECK(in_words(each).starts_with("OFF: "));
}

TEST_CASE("announce: given a text with control characters, when it is made a line, then it steers no terminal", "[boot][T-19]")
{
    CHECK(line_of("first root") == "ocu: first root\n");
    CHECK(line_of("a\x1b[2Jb\nc\x9b") == "ocu: a?[2Jb?c?\n");
    CHECK(line_of(std::string(5000, 'x')).size() < 400);
    CHECK(printable_line("a\x1b[2J\tb") == "a?[2J?b");
    CHECK(printable_line(std::string(5000, 'x')).size() == 400);
}

TEST_CASE("ground: given the kernel settings, when they are listed, then none is there twice or leaves /proc/sys", "[boot][T-22]")
{
    std::set<std::string_view> paths;
    for (auto const& each : kernel_settings()) {
        INFO(each.path);
        CHECK(paths.insert(each.path).second);
        CHECK(each.path.find("..") == std::string_view::npos);
        CHECK_FALSE(each.path.starts_with('/'));
    }
    for (std::string_view const must :
        {"kernel/kptr_restrict", "kernel/dmesg_restrict", "kernel/unprivileged_bpf_disabled", "kernel/sysrq"})
        CHECK(paths.contains(must));
}

}  // namespace test_lines
