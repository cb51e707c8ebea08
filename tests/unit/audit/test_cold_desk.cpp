// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the audit thread's side of the cold tier, against processes that the test plays. What is given when, what counts, what is on record.

#include "audit/cold_desk.h"

#include <poll.h>

#include <deque>
#include <limits>

#include "audit/layout.h"
#include "helper/helper.h"
#include "support/role_peer.h"
#include "unit/audit/support.h"

namespace test_cold_desk {

using namespace audit_support;
using proto::ColdAnswer;
using proto::ColdHealth;
using proto::What;
using namespace std::chrono_literals;

struct Processes final : helper::Spawner {
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override
    {
        CHECK(kind == helper::Kind::audit_cold);
        CHECK(slot.value == 0);
        CHECK(descriptors.size() == 3);
        configs.push_back(wire::decode<proto::ColdConfig>(config).value());
        return helper::Spawned{{}, peers.emplace_back().connect()};
    }
    void report_violation(helper::Kind) override {}

    std::deque<test::HelperPeer> peers;
    std::vector<proto::ColdConfig> configs;
};

struct ColdTest {
    ColdTest()
    {
        clock.set_wall(WallTime(1'795'000'000'000ms));
        auto log = open_log(disk, folder, system_clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 300);
        size = log->size();
        sign(*log, signer);
        auto row = list_segments(disk, folder.open().get());
        sealed = row->end - 1;
        REQUIRE(sealed >= 3);
        cold.store.endpoint = "https://s3.example";
        cold.store.bucket = "record";
        cold.store.prefix = "box/";
        cold.place = "record/box/ of https://s3.example";
        cold.days = 2557;
        make(cold);
    }
    ~ColdTest()
    {
        on_loop([this] { desk->stop(); });
        loop.finish();
    }
    void make(std::optional<Cold> with)
    {
        ColdPace pace;
        pace.look = 1ms;
        desk = std::make_unique<ColdDesk>(loop, clock, std::move(with), folder.open(), processes,
            ColdDesk::Calls{[this](UniqueFd end) { lanes.push_back(std::move(end)); }, [this](UniqueFd end) { credentials.push_back(std::move(end)); },
                [this](proto::Event event) { events.push_back(std::move(event)); }, [this](proto::ColdPosition position) { kept.push_back(position); },
                [this](proto::ColdState state) { told.push_back(std::move(state)); }},
            pace);
    }
    void on_loop(std::function<void()> what)
    {
        wire::Loop& there = loop;
        there.post(std::move(what));
        loop.settle();
    }
    void settle()
    {
        for (int i = 0; i < 50; ++i) loop.settle();
    }
    void until(std::function<bool()> there)
    {
        bool done = false;
        for (int i = 0; i < 500 && !done; ++i) on_loop([&] { done = there(); });
        REQUIRE(done);
    }
    void open(proto::ColdPosition const& position = {}, bool custody = true)
    {
        on_loop([this, position, custody] {
            auto const text = read(folder.path() / "checkpoint");
            desk->opened(position, 0, 0);
            desk->grew(size);
            desk->head({size, parse_note(text)->body, text});
            if (custody) desk->custody_up();
        });
    }
    test::HelperPeer& asked(std::size_t count)
    {
        until([this, count] { return processes.peers.size() >= count; });
        REQUIRE(processes.peers.size() == count);
        processes.peers.back().send_raw(helper::kReadyType, {});
        loop.settle();
        return processes.peers.back();
    }
    std::uint64_t begin_of(std::uint64_t segment) const { return parse_header(read(folder.path() / segment_path(segment)))->first_index; }
    proto::ColdOutcome good(std::uint64_t segment) const { return {ColdAnswer::kept, 200, begin_of(segment + 1), 2'016'000'000'000, {}}; }
    void fails(ColdAnswer answer, std::uint16_t status = 0)
    {
        processes.peers.back().send(proto::ColdOutcome{answer, status, 0, 0, {}});
        pollfd ended{processes.peers.back().descriptor(), POLLRDHUP, 0};
        REQUIRE(::poll(&ended, 1, 5'000) == 1);
        settle();
    }
    void advance(std::chrono::milliseconds by)
    {
        on_loop([this, by] { clock.advance(by); });
    }
    std::uint64_t confirmed()
    {
        std::uint64_t out = 0;
        on_loop([&] { out = desk->confirmed(); });
        return out;
    }
    std::size_t said(What what) const { return static_cast<std::size_t>(std::ranges::count(events, what, &proto::Event::what)); }

    Folder folder;
    SystemDisk disk;
    SystemClock system_clock;
    test::LoopThread loop;
    ManualClock clock;
    Processes processes;
    Signer signer;
    Cold cold;
    std::uint64_t size = 0;
    std::uint64_t sealed = 0;
    std::vector<UniqueFd> lanes, credentials;
    std::vector<proto::Event> events;
    std::vector<proto::ColdPosition> kept;
    std::vector<proto::ColdState> told;
    std::unique_ptr<ColdDesk> desk;
};

TEST_CASE_METHOD(ColdTest, "cold desk: given sealed segments, when each is confirmed, then the next is given, the oldest first, and never the one that is written",
    "[audit][AU-7]")
{
    open();
    for (std::uint64_t i = 0; i < sealed; ++i) {
        auto& peer = asked(i + 1);
        auto const& config = processes.configs.back();
        CHECK(config.segment == i);
        CHECK(config.days == 2557);
        CHECK(parse_note(config.head.view())->checkpoint.size == size);
        CHECK(confirmed() == i);
        peer.send(good(i));
        until([&] { return kept.size() == i + 1; });
        CHECK(kept.back() == proto::ColdPosition{i + 1, begin_of(i + 1), cold.digest()});
    }
    settle();
    CHECK(processes.peers.size() == sealed);
    CHECK(lanes.size() == sealed);
    CHECK(credentials.size() == sealed);
    CHECK(said(What::audit_cold_kept) == sealed);
    CHECK(events[0].detail.view().starts_with("record/box/ of https://s3.example segment=0 records=0-" + std::to_string(begin_of(1) - 1) + " until=2033-11-19T08:00:00Z sha256="));
    CHECK(told.back().health == ColdHealth::keeping);
    CHECK(told.back().segments == sealed);
    CHECK(told.back().due == 0);
    CHECK(told.back().since_ms == 0);
}

TEST_CASE_METHOD(ColdTest, "cold desk: given a position of this place, when opened, then it goes on from there; of another, from the beginning", "[audit][AU-7]")
{
    SECTION("this place")
    {
        open({2, begin_of(2), cold.digest()});
        (void)asked(1);
        CHECK(processes.configs[0].segment == 2);
        CHECK(confirmed() == 2);
    }
    SECTION("a longer lock")
    {
        auto longer = cold;
        longer.days += 1;
        open({2, begin_of(2), longer.digest()});
        (void)asked(1);
        CHECK(processes.configs[0].segment == 0);
        CHECK(confirmed() == 0);
    }
    SECTION("segments that are gone from here")
    {
        on_loop([this] { desk->begins_at(1, begin_of(1)); });
        open();
        (void)asked(1);
        CHECK(processes.configs[0].segment == 1);
    }
}

TEST_CASE_METHOD(ColdTest, "cold desk: given a store that is away, when tried again, then with pauses that grow, and what is due is told and is an alarm after an hour",
    "[audit][AU-7][T-43]")
{
    open();
    (void)asked(1);
    fails(ColdAnswer::unreachable);
    CHECK(told.back().health == ColdHealth::failing);
    CHECK(told.back().word.view() == "unreachable");
    CHECK(told.back().due == sealed);
    CHECK(told.back().since_ms != 0);
    CHECK(told.back().records == 0);
    CHECK(said(What::audit_cold_refused) == 0);
    settle();
    CHECK(processes.peers.size() == 1);
    advance(5s);
    (void)asked(2);
    fails(ColdAnswer::answered, 503);
    CHECK(told.back().health == ColdHealth::failing);
    advance(5s);
    settle();
    CHECK(processes.peers.size() == 2);
    advance(5s);
    (void)asked(3);
    advance(1h);  // the attempt takes too long
    until([this] { return said(What::audit_cold_overdue) == 1; });
    CHECK(told.back().word.view() == "timed_out");
    advance(1h);
    (void)asked(4);
    fails(ColdAnswer::tls);
    CHECK(said(What::audit_cold_overdue) == 1);
    advance(1h);
    asked(5).send(good(0));
    until([this] { return kept.size() == 1; });
    CHECK(confirmed() == 1);
}

TEST_CASE_METHOD(ColdTest, "cold desk: given a store that does not hold what it is given, when it answers, then nothing counts and that is an alarm, once an hour",
    "[audit][AU-7][T-43][T-44]")
{
    open();
    std::size_t asked_for = 0;
    for (auto const answer : {ColdAnswer::not_locked, ColdAnswer::wrong_lock, ColdAnswer::other_bytes, ColdAnswer::log_unreadable, ColdAnswer::answered}) {
        for (int i = 0; i < 2; ++i) {
            (void)asked(++asked_for);
            fails(answer, 400);
            CHECK(told.back().health == ColdHealth::refused);
            CHECK(told.back().word.view() == name_of(answer));
            advance(900s);
        }
    }
    CHECK(said(What::audit_cold_refused) == 5);
    CHECK(said(What::audit_cold_kept) == 0);
    CHECK(confirmed() == 0);
    CHECK(kept.empty());
}

TEST_CASE_METHOD(ColdTest, "cold desk: given a process that says what cannot be, when heard, then it is ended and nothing counts", "[audit][T-14][T-43]")
{
    open();
    auto& peer = asked(1);
    SECTION("a segment that ends before it begins") { peer.send(proto::ColdOutcome{ColdAnswer::kept, 200, 0, 0, {}}); }
    SECTION("one that has all there is") { peer.send(proto::ColdOutcome{ColdAnswer::kept, 200, size, 0, {}}); }
    SECTION("a status that is none") { peer.send(proto::ColdOutcome{ColdAnswer::answered, 1000, 0, 0, {}}); }
    SECTION("ready twice") { peer.send_raw(helper::kReadyType, {}); }
    SECTION("another word") { peer.send_raw(static_cast<std::uint16_t>(proto::Type::head_outcome), {}); }
    SECTION("nothing, and gone") { peer.close(); }
    until([this] { return told.back().word.view() == "ended"; });
    CHECK(said(What::helper_violation) + said(What::helper_death) == 1);
    CHECK(confirmed() == 0);
    CHECK(kept.empty());
}

TEST_CASE_METHOD(ColdTest, "cold desk: given nobody who gives the credential, when a segment is due, then no process is started, and it is said why", "[audit][AU-7]")
{
    open({}, false);
    settle();
    CHECK(told.back().health == ColdHealth::untried);
    advance(30s);
    until([this] { return told.back().word.view() == "custody_down"; });
    CHECK(processes.peers.empty());
}

TEST_CASE_METHOD(ColdTest, "cold desk: given no cold tier, when asked, then nothing is withheld from removal, and nothing is started", "[audit][AU-7]")
{
    on_loop([this] { make(std::nullopt); });
    told.clear();
    open();
    settle();
    CHECK(confirmed() == std::numeric_limits<std::uint64_t>::max());
    CHECK(processes.peers.empty());
    CHECK(told.empty());
}

}  // namespace test_cold_desk
