// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/sandbox. The role's thread between stand-ins for control, gateway, storage, edge, launcher and exec.

#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <deque>

#include "helper/helper.h"
#include "proto/sandbox_to_exec.h"
#include "proto/sandbox_to_launcher.h"
#include "sandbox/limits.h"
#include "support/role_peer.h"

namespace test_sandbox_thread {

using namespace ocu;
using proto::Reason;

constexpr SessionId kSession{77};
constexpr Slot kSlot{1};

class ExecSpawner final : public helper::Spawner {
public:
    Result<helper::Spawned> spawn(helper::Kind, Slot, wire::Bytes bytes, std::vector<UniqueFd> descriptors) override
    {
        config = wire::decode<proto::ExecConfig>(bytes).value();
        given = descriptors.size();
        if (refuse) return fail(Fault::os, "no");
        return helper::Spawned{{}, exec.connect()};
    }
    void report_violation(helper::Kind kind) override { violations.push_back(kind); }

    test::HelperPeer exec;
    proto::ExecConfig config;
    std::size_t given = 0;
    bool refuse = false;
    std::vector<helper::Kind> violations;
};

// Remembers what a mailbox was sent.
template <class Mailbox>
struct Inbox {
    explicit Inbox(wire::Loop& loop) : box(loop)
    {
        box.on_message([this](typename Mailbox::Message message) { got.push_back(std::move(message)); });
    }
    template <class Message>
    Message take()
    {
        REQUIRE_FALSE(got.empty());
        REQUIRE(std::holds_alternative<Message>(got.front()));
        Message message = std::get<Message>(std::move(got.front()));
        got.pop_front();
        return message;
    }
    Mailbox box;
    std::deque<typename Mailbox::Message> got;
};

struct SandboxThreadTest {
    explicit SandboxThreadTest(bool trusts_authority = false, std::chrono::milliseconds measure_every = std::chrono::hours(1))
    {
        sandbox = std::make_unique<sandbox::Sandbox>(loop, clock, sandbox::Config{{}, 2, trusts_authority, measure_every},
            sandbox::Sandbox::Wires{core_in, control_in, gateway_in, storage_in, control.box, gateway.box, storage.box, edge.box, recorder,
                spawner, [this] { stopped = true; }});
    }
    ~SandboxThreadTest()
    {
        loop.finish();
        sandbox.reset();
    }

    void launcher_up()
    {
        core_in.send(proto::HelperUp{helper::Kind::launcher, launcher.connect(), {}});
        for (std::uint64_t slot = 0; slot < 2; ++slot) CHECK(launcher.take<proto::LauncherDestroy>().slot == Slot{slot});
    }
    void create()
    {
        control_in.send(proto::SessionCreate{kSession, kSlot, proto::Tier::gvisor, "token", scoped});
        auto const asked = launcher.take<proto::LauncherPrepare>();
        CHECK(asked.slot == kSlot);
        CHECK(asked.tier == proto::Tier::gvisor);
    }
    void send_prepared()
    {
        int numbers[proto::kPreparedDescriptors];
        for (int& each : numbers) each = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        launcher.send_raw(
            static_cast<std::uint16_t>(proto::Type::launcher_prepared), wire::encode(proto::LauncherPrepared{kSlot}), numbers);
        for (int const each : numbers) ::close(each);
        loop.settle();
    }
    void equip()
    {
        launcher_up();
        create();
        send_prepared();
        CHECK(edge.take<proto::LaneAttach>().session == kSession);
        auto const mount = storage.take<proto::MountAttach>();
        CHECK(mount.guest_uid == 1'066'536);
        CHECK(mount.slot == kSlot);
        CHECK(spawner.config.token.view() == "token");
        CHECK(spawner.config.monitored);
        CHECK(spawner.given == 2);  // channel and monitor
    }
    void bring_up()
    {
        equip();
        storage_in.send(proto::MountReady{kSession});
        spawner.exec.send_raw(helper::kReadyType, {});
        CHECK(launcher.take<proto::LauncherStart>().slot == kSlot);
        spawner.exec.send(proto::ExecReady{});
        loop.settle();
        CHECK(control.take<proto::SessionUp>().session == kSession);
        CHECK(launcher.take<proto::LauncherMeasure>().slot == kSlot);
        CHECK(recorder.events.back().what == proto::What::session_ready);
    }
    void expect_end()
    {
        CHECK(launcher.take<proto::LauncherKill>().slot == kSlot);
        loop.settle();
        CHECK(edge.take<proto::LaneDetach>().session == kSession);
        CHECK(storage.take<proto::MountDetach>().session == kSession);
        launcher.send(proto::LauncherKilled{kSlot});
        CHECK(launcher.take<proto::LauncherDestroy>().slot == kSlot);
        loop.settle();
        used = control.take<proto::SessionUsed>();
        CHECK(used.session == kSession);
        CHECK(used.telling == proto::Telling::last);
        CHECK(control.take<proto::SessionDead>().session == kSession);
    }
    Reason expect_down()
    {
        launcher.send(proto::LauncherDestroyed{kSlot});
        loop.settle();
        return control.take<proto::SessionDown>().reason;
    }
    void call(std::uint64_t number) { gateway_in.send(proto::CallTool{CallId{number}, kSession, {}}); }

    test::HelperPeer launcher;
    ManualClock clock;
    test::LoopThread loop;
    test::Recorder recorder;
    ExecSpawner spawner;
    proto::CoreToRole core_in{loop};
    proto::ControlToSandbox control_in{loop};
    proto::GatewayToSandbox gateway_in{loop};
    proto::StorageToSandbox storage_in{loop};
    Inbox<proto::SandboxToControl> control{loop};
    Inbox<proto::SandboxToGateway> gateway{loop};
    Inbox<proto::SandboxToStorage> storage{loop};
    Inbox<proto::SandboxToEdge> edge{loop};
    bool stopped = false;
    proto::SessionUsed used{};  // the last word of it
    wire::List<proto::GuestVariable, proto::kScopedRulesMax> scoped;
    std::unique_ptr<sandbox::Sandbox> sandbox;
};

}  // namespace test_sandbox_thread

using test_sandbox_thread::SandboxThreadTest;

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given a created session, when it is ended, then it goes in order and control hears all of it",
    "[sandbox][SX-6][CT-1][T-13]")
{
    using namespace test_sandbox_thread;
    bring_up();
    control_in.send(proto::SessionEnd{kSession, proto::How::orderly});
    expect_end();
    CHECK(expect_down() == Reason::none);
}

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given a running call, when its session is killed, then the call is answered and the channel closed", "[sandbox][CT-2][T-17]")
{
    using namespace test_sandbox_thread;
    bring_up();
    call(5);
    CHECK(spawner.exec.take<proto::ExecCall>().call == CallId{5});
    control_in.send(proto::SessionEnd{kSession, proto::How::kill});
    expect_end();
    CHECK(gateway.take<proto::ToolDone>().answer.reason == Reason::session_killed);
    CHECK(expect_down() == Reason::session_killed);
    call(6);
    loop.settle();
    CHECK(gateway.take<proto::ToolDone>().answer.reason == Reason::session_ended);
}

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given calls before the session is up, when it comes up, then they run; a cancelled one does not", "[sandbox][GW-6]")
{
    using namespace test_sandbox_thread;
    equip();
    call(1);
    call(2);
    gateway_in.send(proto::CancelTool{CallId{1}, kSession});
    loop.settle();
    CHECK(gateway.take<proto::ToolDone>().answer.reason == Reason::cancelled);
    spawner.exec.send_raw(helper::kReadyType, {});
    loop.settle();
    storage_in.send(proto::MountReady{kSession});
    CHECK(launcher.take<proto::LauncherStart>().slot == kSlot);
    spawner.exec.send(proto::ExecReady{});
    CHECK(spawner.exec.take<proto::ExecCall>().call == CallId{2});
    gateway_in.send(proto::CancelTool{CallId{2}, kSession});
    CHECK(spawner.exec.take<proto::ExecCancel>().call == CallId{2});
    spawner.exec.send(proto::ExecDone{CallId{2}, {}});
    loop.settle();
    CHECK(gateway.take<proto::ToolDone>().call == CallId{2});
}

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given no launcher, when a session is wanted, then it is refused at once", "[sandbox][T-14]")
{
    using namespace test_sandbox_thread;
    control_in.send(proto::SessionCreate{kSession, kSlot, proto::Tier::runc, "", {}});
    loop.settle();
    CHECK(control.take<proto::SessionDown>().reason == Reason::role_unavailable);
    control_in.send(proto::SessionEnd{kSession, proto::How::kill});
    loop.settle();
    CHECK(control.take<proto::SessionDown>().reason == Reason::none);
}

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given a running session, when the launcher is lost, then calls go on and an end waits for the next launcher",
    "[sandbox][CT-1][T-14]")
{
    using namespace test_sandbox_thread;
    bring_up();
    core_in.send(proto::HelperDown{helper::Kind::launcher});
    call(9);
    CHECK(spawner.exec.take<proto::ExecCall>().call == CallId{9});
    control_in.send(proto::SessionEnd{kSession, proto::How::kill});
    loop.settle();
    CHECK(gateway.take<proto::ToolDone>().answer.reason == Reason::session_killed);
    core_in.send(proto::HelperUp{helper::Kind::launcher, launcher.connect(), {}});
    expect_end();
    CHECK(expect_down() == Reason::session_killed);
}

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given a session that is coming up, when the launcher fails or is lost, then it is ended as failed", "[sandbox][CT-1]")
{
    using namespace test_sandbox_thread;
    launcher_up();
    create();
    launcher.send(proto::LauncherFailed{kSlot, proto::LaunchStage::prepare});
    expect_end();
    CHECK(recorder.events.back().what == proto::What::session_failed);
    CHECK(expect_down() == Reason::session_failed);
}

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given a session, when its mount is lost, then it is ended", "[sandbox][SB-9][T-08]")
{
    using namespace test_sandbox_thread;
    bring_up();
    storage_in.send(proto::MountLost{kSession});
    expect_end();
    CHECK(expect_down() == Reason::session_failed);
}

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given an exec helper that answers a call nobody made, when it does, then its session is ended and that recorded",
    "[sandbox][T-07][T-14]")
{
    using namespace test_sandbox_thread;
    bring_up();
    spawner.exec.send(proto::ExecDone{CallId{404}, {}});
    expect_end();
    CHECK(recorder.events.back().what == proto::What::helper_violation);
    CHECK(gateway.got.empty());
    CHECK(expect_down() == Reason::session_ended);
}

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given what gVisor says that ran, when exec passes it on, then it is on record, and what comes too soon is counted",
    "[sandbox][SX-9][T-14]")
{
    using namespace test_sandbox_thread;
    bring_up();
    auto const recorded = [&] {
        std::vector<proto::Event> out;
        for (auto const& each : recorder.events)
            if (each.what == proto::What::programs_run) out.push_back(each);
        return out;
    };
    spawner.exec.send(proto::ExecProgramsRun{2, 0, "/usr/bin/bash -c ls; /usr/bin/ls"});
    loop.settle();
    REQUIRE(recorded().size() == 1);
    CHECK(recorded()[0].session == kSession);
    CHECK(recorded()[0].actor.view() == "guest");
    CHECK(recorded()[0].number == 2);
    CHECK(recorded()[0].resource.view() == "2 programs");
    CHECK(recorded()[0].detail.view() == "/usr/bin/bash -c ls; /usr/bin/ls");
    for (int i = 0; i < 1'000; ++i) spawner.exec.send(proto::ExecProgramsRun{3, 1, "/usr/bin/true"});
    loop.settle();
    CHECK(recorded().size() == 1);
    clock.advance(sandbox::kProgramsGap);
    spawner.exec.send(proto::ExecProgramsRun{1, 0, "/usr/bin/id"});
    loop.settle();
    REQUIRE(recorded().size() == 2);
    CHECK(recorded()[1].number == 3'001);
    CHECK(recorded()[1].detail.view() == "/usr/bin/id; 1000 more untold");
    spawner.exec.send(proto::ExecProgramsRun{5, 0, "/usr/bin/id"});
    loop.settle();
    spawner.exec.close();
    loop.settle();
    REQUIRE(recorded().size() == 3);  // what was held back when the session ended
    CHECK(recorded()[2].number == 5);
}

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given a program that has ended, when exec says so, then it is on record; more ends than starts are none",
    "[sandbox][SX-9][SX-3][T-14]")
{
    using namespace test_sandbox_thread;
    bring_up();
    proto::ToolArguments start;
    start.tool = proto::Tool::process_start;
    gateway_in.send(proto::CallTool{CallId{1}, kSession, start});
    CHECK(spawner.exec.take<proto::ExecCall>().call == CallId{1});
    spawner.exec.send(proto::ExecProcessEnded{1, 137, true, 5321, std::chrono::seconds(60)});
    loop.settle();
    auto const& event = recorder.events.back();
    CHECK(event.what == proto::What::process_ended);
    CHECK(event.session == kSession);
    CHECK(event.resource.view() == "process 1");
    CHECK(event.detail.view() == "timeout");
    CHECK(event.number == 137);
    CHECK(event.bytes == 5321);
    CHECK(event.duration_ms == 60'000);
    spawner.exec.send(proto::ExecProcessEnded{2, 0, false, 0, {}});
    (void)launcher.take<proto::LauncherKill>();
    loop.settle();
    CHECK(std::ranges::count(recorder.events, proto::What::process_ended, &proto::Event::what) == 1);
    CHECK(std::ranges::count(recorder.events, proto::What::helper_violation, &proto::Event::what) == 1);
}

TEST_CASE_METHOD(
    SandboxThreadTest, "sandbox: given a guest that goes away, when exec or launcher says so, then control hears it", "[sandbox][T-13]")
{
    using namespace test_sandbox_thread;
    bring_up();
    SECTION("exec says it") { spawner.exec.send(proto::ExecGuestGone{}); }
    SECTION("exec has gone with it") { spawner.exec.close(); }
    SECTION("the launcher says it") { launcher.send(proto::LauncherExited{kSlot}); }
    expect_end();
    CHECK(expect_down() == Reason::session_ended);
}

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given no exec helper to be had, when the session is equipped, then it is ended as failed",
    "[sandbox][CT-1]")
{
    using namespace test_sandbox_thread;
    spawner.refuse = true;
    launcher_up();
    create();
    send_prepared();
    (void)edge.take<proto::LaneAttach>();
    (void)storage.take<proto::MountAttach>();
    expect_end();
    CHECK(expect_down() == Reason::session_failed);
}

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given a session that ended while it was prepared, when Prepared arrives, then nothing is attached", "[sandbox][SX-6][T-13]")
{
    using namespace test_sandbox_thread;
    launcher_up();
    create();
    control_in.send(proto::SessionEnd{kSession, proto::How::kill});
    CHECK(launcher.take<proto::LauncherKill>().slot == kSlot);
    send_prepared();
    CHECK(std::holds_alternative<proto::LaneDetach>(edge.got.front()));
    CHECK(edge.got.size() == 1);
    CHECK(storage.got.size() == 1);
}

TEST_CASE_METHOD(
    SandboxThreadTest, "sandbox: given a launcher that breaks the grammar, when it does, then it is reported", "[sandbox][T-14]")
{
    using namespace test_sandbox_thread;
    launcher_up();
    launcher.send_raw(static_cast<std::uint16_t>(proto::Type::launcher_killed), wire::Bytes(3));
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::launcher});
}

TEST_CASE_METHOD(
    SandboxThreadTest, "sandbox: given running sessions, when the role is stopped, then they are ended first", "[sandbox][T-13]")
{
    using namespace test_sandbox_thread;
    bring_up();
    core_in.send(proto::StopRole{});
    expect_end();
    CHECK_FALSE(stopped);
    CHECK(expect_down() == Reason::shutting_down);
    CHECK(stopped);
}

namespace test_sandbox_thread {

struct TrustingTest : SandboxThreadTest {
    TrustingTest() : SandboxThreadTest(true) {}
};

}  // namespace test_sandbox_thread

TEST_CASE_METHOD(test_sandbox_thread::TrustingTest,
    "sandbox: given scoped tokens and an authority, when a session is equipped, then its commands are told of both",
    "[sandbox][EG-7][EG-8]")
{
    while (!scoped.full()) scoped.push({"T" + std::to_string(scoped.items().size()), "ocu-scoped-x"});
    equip();
    auto const& told = spawner.config.variables.items();
    REQUIRE(told.size() > ocu::proto::kScopedRulesMax);
    CHECK(told[0].name.view() == "T0");
    CHECK(told[0].value.view() == "ocu-scoped-x");
    for (auto const& each : told) CHECK((ocu::proto::may_be_set(each.name.view()) && ocu::proto::is_plain_value(each.value.view())));
    CHECK(std::ranges::any_of(told, [](auto const& each) { return each.name.view() == "SSL_CERT_FILE"; }));
}

TEST_CASE_METHOD(test_sandbox_thread::SandboxThreadTest,
    "sandbox: given nothing to bump or inject, when a session is equipped, then no variable", "[sandbox][SX-4]")
{
    equip();
    CHECK(spawner.config.variables.items().empty());
}

namespace test_sandbox_thread {

// Measured every millisecond: what the launcher is asked does not wait for the clock of the test.
struct MeasuringTest : SandboxThreadTest {
    MeasuringTest() : SandboxThreadTest(false, std::chrono::milliseconds(1)) {}
};

}  // namespace test_sandbox_thread

TEST_CASE_METHOD(SandboxThreadTest,
    "sandbox: given what the launcher measured, when the session ends, then control has the kernel's totals before it hears of the end",
    "[sandbox][AU-1][T-37]")
{
    using namespace test_sandbox_thread;
    bring_up();
    launcher.send(proto::LauncherMeasured{kSlot, true, true, 1'000, 3'072'000});
    loop.settle();
    CHECK(control.take<proto::SessionUsed>().cpu_us == 1'000);
    clock.advance(std::chrono::seconds(10));
    launcher.send(proto::LauncherMeasured{kSlot, true, true, 5'000, 1'024'000});
    loop.settle();
    auto const so_far = control.take<proto::SessionUsed>();
    CHECK(so_far.memory_kib_s == 30'000);
    CHECK(so_far.telling == proto::Telling::so_far);
    clock.advance(std::chrono::milliseconds(500));
    control_in.send(proto::SessionEnd{kSession, proto::How::kill});
    loop.settle();
    launcher.send(proto::LauncherMeasured{kSlot, true, true, 5'500, 0});
    expect_end();
    CHECK(used.cpu_us == 5'500);
    CHECK(used.memory_kib_s == 30'500);
    CHECK((used.cpu_known && used.memory_known));
    CHECK(expect_down() == Reason::session_killed);
}

TEST_CASE_METHOD(SandboxThreadTest, "sandbox: given a cgroup that cannot be read, when the session ends, then it ends, and its numbers say so",
    "[sandbox][AU-1][T-13]")
{
    using namespace test_sandbox_thread;
    bring_up();
    launcher.send(proto::LauncherMeasured{kSlot, true, true, 1'000, 3'072'000});
    loop.settle();
    (void)control.take<proto::SessionUsed>();
    clock.advance(std::chrono::seconds(2));
    control_in.send(proto::SessionEnd{kSession, proto::How::orderly});
    launcher.send(proto::LauncherMeasured{kSlot, false, false, 0, 0});
    expect_end();
    CHECK_FALSE((used.cpu_known || used.memory_known));
    CHECK(used.cpu_us == 1'000);
    CHECK(used.memory_kib_s == 6'000);
}

TEST_CASE_METHOD(test_sandbox_thread::MeasuringTest, "sandbox: given a session that runs, when time goes by, then it is measured again and again",
    "[sandbox][AU-1]")
{
    bring_up();
    for (int i = 0; i < 3; ++i) CHECK(launcher.take<ocu::proto::LauncherMeasure>().slot == test_sandbox_thread::kSlot);
}
