// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the audit thread's side of its sinks, against processes that the test plays. What one of them may have done, and how often.

#include "audit/sink_desk.h"

#include <sys/stat.h>

#include <deque>

#include "audit/layout.h"
#include "helper/helper.h"
#include "support/role_peer.h"
#include "unit/audit/support.h"

namespace test_sink_desk {

using namespace audit_support;
using proto::SinkHealth;
using proto::What;

// Each process that is started is a peer of the test's.
struct Processes final : helper::Spawner {
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override
    {
        CHECK(kind == helper::Kind::audit_sink);
        configs.push_back(wire::decode<proto::SinkConfig>(config).value());
        slots.push_back(slot.value);
        given.push_back(descriptors.size());
        return helper::Spawned{{}, peers.emplace_back().connect()};
    }
    void report_violation(helper::Kind) override {}

    std::deque<test::HelperPeer> peers;
    std::vector<proto::SinkConfig> configs;
    std::vector<std::uint64_t> slots;
    std::vector<std::size_t> given;
};

Sink sink_of(std::string name, proto::SinkKind kind)
{
    Sink sink;
    sink.name = std::move(name);
    sink.kind = kind;
    sink.place = "siem.example:6514";
    sink.host = kind == proto::SinkKind::file ? "" : "siem.example";
    return sink;
}

struct DeskTest {
    explicit DeskTest(bool keys = false)
    {
        auto log = open_log(disk, folder, system_clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 5);
        std::vector<Sink> sinks{sink_of("siem", proto::SinkKind::syslog)};
        sinks[0].shows_certificate = keys;
        std::vector<SinkGround> ground(1);
        ground[0].folder = folder.open();
        ground[0].roots = folder.open();
        desk = std::make_unique<SinkDesk>(loop, clock, "box", std::move(sinks), folder.open(), std::move(ground), processes,
            SinkDesk::Calls{[this](proto::SinkDialWanted wanted) { dials.push_back(wanted); },
                [this](std::uint32_t, UniqueFd end) { channels.push_back(std::move(end)); },
                [this](proto::Event event) { events.push_back(std::move(event)); },
                [this](proto::SinkStates states) { told.push_back(std::move(states)); }});
    }
    ~DeskTest()
    {
        on_loop([this] { desk->stop(); });
        loop.finish();
    }
    void on_loop(std::function<void()> what)
    {
        wire::Loop& there = loop;
        there.post(std::move(what));
        loop.settle();
    }
    void grew(std::uint64_t size)
    {
        on_loop([this, size] { desk->grew(size); });
    }
    test::HelperPeer& started(std::uint64_t size = 6)
    {
        grew(size);
        REQUIRE(processes.peers.size() == 1);
        processes.peers[0].send_raw(helper::kReadyType, {});
        loop.settle();
        CHECK(processes.peers[0].take<proto::SinkTick>().size == size);
        return processes.peers[0];
    }
    void report(test::HelperPeer& peer, proto::SinkReport report)
    {
        peer.send(report);
        loop.settle();
    }
    std::vector<What> said() const
    {
        std::vector<What> out;
        for (auto const& each : events) out.push_back(each.what);
        return out;
    }

    Folder folder;
    SystemDisk disk;
    SystemClock system_clock;
    test::LoopThread loop;
    ManualClock clock;
    Processes processes;
    std::vector<proto::SinkDialWanted> dials;
    std::vector<UniqueFd> channels;
    std::vector<proto::Event> events;
    std::vector<proto::SinkStates> told;
    std::unique_ptr<SinkDesk> desk;
};

proto::SinkReport at(std::uint64_t position, SinkHealth health = SinkHealth::delivering, std::string word = {}, std::uint16_t status = 0)
{
    proto::SinkReport report;
    report.position = position;
    report.health = health;
    report.word = std::move(word);
    report.status = status;
    return report;
}

TEST_CASE_METHOD(DeskTest,
    "sink_desk: given a log that is open, when a sink starts, then it is told what is on disk, and asked no more until it answers",
    "[audit][AU-6][T-36]")
{
    CHECK(processes.peers.empty());
    auto& peer = started();
    CHECK(processes.configs[0].host.view() == "siem.example");
    CHECK(processes.slots[0] == 0);
    CHECK(processes.given[0] == 2);
    grew(7);
    grew(8);
    CHECK(peer.has_nothing());
    report(peer, at(6));
    CHECK(peer.take<proto::SinkTick>().size == 8);  // with the next tick
    loop.settle();
    REQUIRE(!told.empty());
    CHECK(told.back().items()[0].position == 6);
    CHECK(told.back().items()[0].size == 8);
}

TEST_CASE_METHOD(DeskTest, "sink_desk: given a segment is wanted, when it is there, then it comes as a descriptor that cannot write",
    "[audit][AU-6][T-36]")
{
    auto& peer = started();
    auto wants = at(0, SinkHealth::untried);
    wants.wants_segment = true;
    report(peer, wants);
    std::vector<UniqueFd> descriptors;
    CHECK(peer.take<proto::SinkSegment>(&descriptors).segment == 0);
    REQUIRE(descriptors.size() == 1);
    CHECK((::fcntl(descriptors[0].get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK(::pwrite(descriptors[0].get(), "x", 1, 0) == -1);
}

TEST_CASE_METHOD(DeskTest, "sink_desk: given segments that were removed by age, when one is wanted, then the first that is there is given", "[audit][AU-6][AU-7]")
{
    auto& peer = started();
    CHECK(desk->copied() == 0);
    std::filesystem::copy(folder.path() / segment_path(0), folder.path() / segment_path(2));
    on_loop([this] { desk->begins_at(2); });
    auto wants = at(0, SinkHealth::untried);
    wants.wants_segment = true;
    report(peer, wants);
    std::vector<UniqueFd> descriptors;
    CHECK(peer.take<proto::SinkSegment>(&descriptors).segment == 2);
    CHECK(descriptors.size() == 1);
    (void)peer.take<proto::SinkTick>();
    report(peer, at(5));
    CHECK(desk->copied() == 5);
}

TEST_CASE_METHOD(
    DeskTest, "sink_desk: given what is no segment of the log, when it is wanted, then none is given", "[audit][AU-6][T-14][T-36]")
{
    auto& peer = started();
    auto wants = at(0, SinkHealth::untried);
    wants.wants_segment = true;
    wants.segment = 1;
    auto const path = folder.path() / segment_path(1);
    SECTION("nothing") {}
    SECTION("a link to elsewhere") { std::filesystem::create_symlink("/etc/passwd", path); }
    SECTION("a pipe") { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }
    SECTION("a folder") { std::filesystem::create_directory(path); }
    report(peer, wants);
    auto const answer = peer.take<proto::SinkNotGiven>();
    CHECK_FALSE(answer.socket);
    CHECK(answer.why.view() == "log_unreadable");
}

TEST_CASE_METHOD(DeskTest,
    "sink_desk: given a connection is wanted, when it is made or not, then the sink is told, and one is made at a time",
    "[audit][AU-6][T-36]")
{
    auto& peer = started();
    auto wants = at(0, SinkHealth::untried);
    wants.wants_socket = true;
    report(peer, wants);
    REQUIRE(dials.size() == 1);
    CHECK(dials[0].sink == 0);
    (void)peer.take<proto::SinkTick>();
    report(peer, wants);
    CHECK(dials.size() == 1);
    on_loop([this] { desk->dialled({dials[0].request, {}, "unreachable"}); });
    auto const not_given = peer.take<proto::SinkNotGiven>();
    CHECK(not_given.socket);
    CHECK(not_given.why.view() == "unreachable");
    (void)peer.take<proto::SinkTick>();
    report(peer, wants);
    REQUIRE(dials.size() == 2);
    on_loop([this] { desk->dialled({dials[1].request, folder.open(), {}}); });
    std::vector<UniqueFd> descriptors;
    (void)peer.take<proto::SinkSocket>(&descriptors);
    CHECK(descriptors.size() == 1);
}

TEST_CASE_METHOD(DeskTest, "sink_desk: given a process that says what cannot be, when it does, then it is ended and that is on record",
    "[audit][AU-6][T-14][T-36]")
{
    auto& peer = started();
    auto bad = at(6);
    SECTION("a position beyond the log") { bad.position = 7; }
    SECTION("a word that is not one") { bad.word = "a b\n"; }
    SECTION("what only the thread says") { bad.health = SinkHealth::down; }
    SECTION("a segment that has no name") { bad.segment = 100'000'000; }
    SECTION("a status that is none") { bad.status = 1000; }
    SECTION("two answers")
    {
        report(peer, at(6));
        bad = at(6);
    }
    SECTION("a position that goes back")
    {
        report(peer, at(5));
        (void)peer.take<proto::SinkTick>();
        bad.position = 4;
    }
    report(peer, bad);
    REQUIRE(!events.empty());
    CHECK(events.back().what == What::helper_violation);
    CHECK(events.back().resource.view() == "audit-sink siem");
    CHECK(told.back().items()[0].health == SinkHealth::down);
}

TEST_CASE_METHOD(DeskTest,
    "sink_desk: given a sink that fails and is good again by turns, when it does, then the record has it once a minute", "[audit][AU-6]")
{
    auto& peer = started();
    for (int i = 0; i < 4; ++i) {
        report(peer, at(0, SinkHealth::failing, "unreachable"));
        (void)peer.take<proto::SinkTick>();
        report(peer, at(0));
        (void)peer.take<proto::SinkTick>();
    }
    CHECK(said() == std::vector{What::sink_failing, What::sink_recovered});
    CHECK(events[0].detail.view() == "siem.example:6514 why=unreachable status=0 times=1");
    clock.advance(std::chrono::seconds(60));
    report(peer, at(0, SinkHealth::failing, "closed"));
    CHECK(said() == std::vector{What::sink_failing, What::sink_recovered, What::sink_failing});
    CHECK(events[2].detail.view() == "siem.example:6514 why=closed status=0 times=4");
}

TEST_CASE_METHOD(
    DeskTest, "sink_desk: given a sink that is refused, when it only failed before, then that is on record at once", "[audit][AU-6]")
{
    auto& peer = started();
    report(peer, at(0, SinkHealth::failing, "unreachable"));
    (void)peer.take<proto::SinkTick>();
    report(peer, at(0, SinkHealth::refused, "answered", 403));
    CHECK(said() == std::vector{What::sink_failing, What::sink_refused});
    CHECK(events[1].detail.view() == "siem.example:6514 why=answered status=403 times=1");
    (void)peer.take<proto::SinkTick>();
    report(peer, at(3));
    CHECK(said().back() == What::sink_recovered);
}

TEST_CASE_METHOD(
    DeskTest, "sink_desk: given a position that was of no use, when the sink says so, then it is on record, and said once", "[audit][AU-6]")
{
    auto& peer = started();
    auto damaged = at(0, SinkHealth::untried);
    damaged.damaged = true;
    report(peer, damaged);
    CHECK(said() == std::vector{What::sink_position_damaged});
    (void)peer.take<proto::SinkTick>();
    report(peer, damaged);
    CHECK(said().back() == What::helper_violation);
}

TEST_CASE_METHOD(DeskTest, "sink_desk: given a process that answers no more, when half a minute has gone, then its sink is a failing one",
    "[audit][AU-6][T-36]")
{
    (void)started();
    clock.advance(std::chrono::seconds(30));
    grew(7);
    for (int i = 0; i < 200 && events.empty(); ++i) loop.settle();
    while (events.empty()) loop.settle();
    CHECK(events[0].what == What::sink_failing);
    CHECK(events[0].detail.view() == "siem.example:6514 why=silent status=0 times=1");
}

struct KeyedDeskTest : DeskTest {
    KeyedDeskTest() : DeskTest(true) {}
};

TEST_CASE_METHOD(KeyedDeskTest,
    "sink_desk: given a sink with a key, when custody is not up, then it is not started; then it is, with a channel", "[audit][AU-6][T-12]")
{
    grew(6);
    CHECK(processes.peers.empty());
    on_loop([this] { desk->custody_up(); });
    REQUIRE(processes.peers.size() == 1);
    CHECK(processes.given[0] == 3);
    CHECK(channels.size() == 1);
    CHECK(processes.configs[0].shows_certificate);
}

}  // namespace test_sink_desk
