// SPDX-License-Identifier: GPL-3.0-or-later
// The real exec helper, confined as in service, between a test and a real agent whose children become the guest's user. Needs root.

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "guest/guest.h"
#include "proto/exec_to_guest.h"
#include "proto/sandbox_to_exec.h"
#include "sandbox/helpers.h"
#include "support/helper_process.h"

namespace {

using namespace ocu;
using namespace std::chrono_literals;

constexpr std::uint32_t kSlot = 7;

// What the spawner sends: the slot, then the helper's own configuration.
struct SlotAndConfig {
    std::uint32_t slot = 0;
    proto::ExecConfig config;
    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
};

struct ExecProcessTest {
    ExecProcessTest()
    {
        char name[] = "/tmp/ocu-exec-process-XXXXXX";
        home = ::mkdtemp(name);
        REQUIRE(::chown(home.c_str(), 1000, 1000) == 0);
        auto pair = make_socket_pair().value();
        agent = ::fork();
        if (agent == 0) {
            pair.ours.reset();
            ::_exit(guest::agent_main(std::move(pair.theirs), {.home = home.c_str()}));
        }
        helper.emplace("exec", &sandbox::exec_main);
        auto const empty = test::empty_network();
        helper->configure(SlotAndConfig{kSlot, {"token", 1u << 20, 30s, {}}}, {empty.get(), pair.ours.get()});
        pair.ours.reset();
        helper->ready();
        helper->expect<proto::ExecReady>();
    }
    ~ExecProcessTest()
    {
        if (agent > 0) ::kill(agent, SIGKILL), ::waitpid(agent, nullptr, 0);
        std::filesystem::remove_all(home);
    }

    proto::ToolAnswer bash(std::string const& command, std::chrono::milliseconds timeout = 10s)
    {
        proto::ToolArguments arguments;
        arguments.command = command;
        arguments.timeout = timeout;
        helper->send(proto::ExecCall{{++last_call}, arguments, false});
        return helper->expect<proto::ExecDone>().answer;
    }
    std::string status(std::string const& key) const
    {
        std::ifstream in("/proc/" + std::to_string(helper->pid()) + "/status");
        for (std::string line; std::getline(in, line);)
            if (line.starts_with(key + ":")) return line.substr(key.size() + 2);
        return {};
    }

    std::string home;
    std::optional<test::HelperProcess> helper;
    pid_t agent = -1;
    std::uint64_t last_call = 0;
};

}  // namespace

TEST_CASE_METHOD(ExecProcessTest, "exec: given the confined helper, when calls of every kind run, then it serves and holds nothing",
    "[sandbox][T-14][SX-8]")
{
    CHECK(bash("id -u; id -G").body.view() == "1000\n1000\n");
    CHECK(bash("exit 9").exit_status == 9);
    auto const flood = bash("yes", 300ms);
    CHECK(flood.timed_out);
    CHECK(flood.body.size() < 31'000);
    proto::ToolArguments arguments;
    arguments.tool = proto::Tool::create_file;
    arguments.path = home + "/f";
    arguments.text = "x\n";
    helper->send(proto::ExecCall{{++last_call}, arguments, true});
    CHECK_FALSE(helper->expect<proto::ExecDone>().answer.is_error);
    proto::ToolArguments slow;
    slow.command = "echo working; sleep 100";
    slow.timeout = 50s;
    helper->send(proto::ExecCall{{++last_call}, slow, true});
    CHECK(helper->expect<proto::ExecProgress>().last_line.view() == "working");
    helper->send(proto::ExecCancel{{last_call}});
    CHECK(helper->expect<proto::ExecDone>().answer.reason == proto::Reason::cancelled);

    auto const uid = std::to_string(helper::kHelperUidBase + 20'000 + kSlot);
    CHECK(status("Uid") == uid + "\t" + uid + "\t" + uid + "\t" + uid);
    CHECK(status("CapPrm") == "0000000000000000");
    CHECK(status("CapBnd") == "0000000000000000");
    CHECK(status("NoNewPrivs") == "1");
    CHECK(status("Seccomp") == "2");
    CHECK(helper->end() == 0);
}

TEST_CASE_METHOD(
    ExecProcessTest, "exec: given floods, when they pass through, then the helper's memory stays flat", "[sandbox][SX-5][T-06]")
{
    auto const kilobytes = [this] { return std::stoul(status("VmHWM")); };
    CHECK(bash("head -c 200000 /dev/zero | tr '\\0' x").output_bytes == 200'000);
    auto const before = kilobytes();
    for (int i = 0; i < 3; ++i) CHECK(bash("head -c 60000000 /dev/zero | tr '\\0' x").output_bytes == 60'000'000);
    CHECK(kilobytes() < before + 1024);  // the kernel's count is rough: it may well be less
    INFO(status("VmRSS"));
    CHECK(helper->end() == 0);
}

TEST_CASE_METHOD(ExecProcessTest,
    "exec: given its guest kills its own agent, when noticed, then every call is answered and the helper lives on", "[sandbox][T-13][T-07]")
{
    ::kill(agent, SIGKILL);
    ::waitpid(agent, nullptr, 0);
    agent = -1;
    helper->expect<proto::ExecGuestGone>();
    CHECK(bash("true").reason == proto::Reason::session_ended);
    CHECK(helper->end() == 0);
}

TEST_CASE_METHOD(ExecProcessTest, "exec: given the core goes away, when noticed, then helper and agent end", "[sandbox][T-13]")
{
    CHECK(helper->end() == 0);
    int status = -1;
    CHECK(::waitpid(agent, &status, 0) == agent);
    CHECK(status == 0);
    agent = -1;
}

TEST_CASE("guest: given the real agent, when a large command has come and gone, then it is at most 1 MiB resident", "[guest][SX-3]")
{
    auto const program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "ocu-guest";
    auto pair = make_socket_pair().value();
    pid_t const pid = ::fork();
    if (pid == 0) {
        ::dup2(pair.theirs.get(), 0);
        ::execl(program.c_str(), "ocu-guest", nullptr);
        ::_exit(127);
    }
    pair.theirs.reset();
    auto const say = [&pair](auto const& message) {
        using Message = std::remove_cvref_t<decltype(message)>;
        return helper::write_frame(pair.ours.get(), static_cast<std::uint16_t>(Message::kType), wire::encode(message), {}).has_value();
    };
    REQUIRE(say(proto::GuestWelcome{"token", {}}));
    REQUIRE(helper::read_frame(pair.ours.get(), 2048, 5s).has_value());
    REQUIRE(say(proto::GuestRun{{1}, 1u << 20, std::string(1'000'000, ' ')}));
    auto type = proto::Type::guest_output;
    while (type == proto::Type::guest_output) {
        auto const frame = helper::read_frame(pair.ours.get(), 64u << 10, 5s);
        REQUIRE(frame.has_value());
        type = static_cast<proto::Type>(frame->type);
    }
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    std::size_t kilobytes = 0;
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("VmRSS:")) kilobytes = std::stoul(line.substr(6));
    CHECK(kilobytes > 0);
    CHECK(kilobytes <= 1024);
    pair.ours.reset();
    int status = -1;
    CHECK(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}
