// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the audit thread's side of its witnesses, against processes that the test plays. When a head is shown, what counts, what is on record.

#include "audit/head_desk.h"

#include <catch2/generators/catch_generators.hpp>

#include <deque>

#include "helper/helper.h"
#include "support/role_peer.h"
#include "unit/audit/support.h"

namespace test_head_desk {

using namespace audit_support;
using proto::HeadAnswer;
using proto::HeadHealth;
using proto::What;
using namespace std::chrono_literals;

// Each process that is started is a peer of the test's.
struct Processes final : helper::Spawner {
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override
    {
        CHECK(kind == helper::Kind::audit_witness);
        CHECK(slot.value == 0);
        configs.push_back(wire::decode<proto::WitnessConfig>(config).value());
        given.push_back(descriptors.size());
        return helper::Spawned{{}, peers.emplace_back().connect()};
    }
    void report_violation(helper::Kind) override {}

    std::deque<test::HelperPeer> peers;
    std::vector<proto::WitnessConfig> configs;
    std::vector<std::size_t> given;
};

struct HeadTest {
    explicit HeadTest(bool keys = false)
    {
        clock.set_wall(WallTime(1'795'000'000'000ms));
        auto log = open_log(disk, folder, system_clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 299);
        sign(*log, signer);
        HeadDesk::Ground ground;
        auto& one = ground.witnesses.emplace_back();
        one.name = "out";
        one.host = "w.example";
        one.authority = "w.example";
        one.target = "/add-checkpoint";
        one.place = "https://w.example/";
        one.key = make_key("w.example/w1", witness.key, KeyKind::witness);
        one.interval = 600s;
        one.shows_certificate = keys;
        ground.roots.push_back(folder.open());
        ground.log = folder.open();
        ground.first_place = 3;
        HeadPace pace;
        pace.look = 1ms;
        desk = std::make_unique<HeadDesk>(loop, clock, std::move(ground), processes,
            HeadDesk::Calls{[this](proto::SinkDialWanted wanted) { dials.push_back(wanted); },
                [this](std::uint32_t place, UniqueFd end) {
                    CHECK(place == 3);
                    channels.push_back(std::move(end));
                },
                [this](proto::Event event) { events.push_back(std::move(event)); },
                [this](proto::KeepHead head) { kept.push_back(std::move(head)); },
                [this](proto::WitnessStates states) { told.push_back(std::move(states)); }},
            pace);
    }
    ~HeadTest()
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
    // On the loop, which looks at it all the time.
    void advance(std::chrono::milliseconds by)
    {
        on_loop([this, by] { clock.advance(by); });
    }
    // The newest head, as it lies there.
    SignedHead newest() const
    {
        auto const text = read(folder.path() / "checkpoint");
        auto const note = parse_note(text).value();
        return {note.checkpoint.size, note.body, text};
    }
    void open(std::vector<proto::KeptHead> heads = {})
    {
        on_loop([this, heads] {
            desk->opened(heads);
            desk->grew(300);
            desk->head(newest());
        });
    }
    void until(std::function<bool()> there)
    {
        bool done = false;
        for (int i = 0; i < 500 && !done; ++i) on_loop([&] { done = there(); });
        REQUIRE(done);
    }
    // Some looks of the desk's.
    void settle()
    {
        for (int i = 0; i < 50; ++i) loop.settle();
    }
    void wait_for_dial(std::size_t count)
    {
        until([this, count] { return dials.size() >= count; });
        REQUIRE(dials.size() == count);
    }
    // The process of attempt `count`, with a connection.
    test::HelperPeer& asked(std::size_t count)
    {
        wait_for_dial(count);
        CHECK(dials.back().sink == 3);
        auto const before = processes.peers.size();
        on_loop([this] {
            proto::SinkDialled dialled{dials.back().request, folder.open(), {}};
            CHECK(desk->dialled(dialled));
        });
        REQUIRE(processes.peers.size() == before + 1);
        auto& peer = processes.peers.back();
        peer.send_raw(helper::kReadyType, {});
        loop.settle();
        return peer;
    }
    void answer(test::HelperPeer& peer, proto::HeadOutcome outcome)
    {
        auto const before = told.size();
        auto const asked_before = dials.size();
        peer.send(outcome);
        until([&] { return told.size() > before || !events.empty() || dials.size() > asked_before; });
        settle();
    }
    proto::HeadOutcome cosigned(std::string const& body, std::int64_t off_s = 0) const
    {
        proto::HeadOutcome out;
        out.answer = HeadAnswer::cosigned;
        out.status = 200;
        out.time_s = static_cast<std::uint64_t>(1'795'000'000 + off_s);
        out.signature = witness.sign("cosignature/v1\ntime " + std::to_string(out.time_s) + "\n" + body);
        return out;
    }
    static proto::HeadOutcome says(HeadAnswer what, std::uint16_t status = 0, std::uint64_t size = 0)
    {
        proto::HeadOutcome out;
        out.answer = what;
        out.status = status;
        out.size = size;
        return out;
    }
    std::vector<What> said() const
    {
        std::vector<What> out;
        for (auto const& each : events) out.push_back(each.what);
        return out;
    }
    proto::WitnessState state() const { return told.back().items()[0]; }

    Folder folder;
    SystemDisk disk;
    SystemClock system_clock;
    test::LoopThread loop;
    ManualClock clock;
    Processes processes;
    Signer signer;
    Signer witness{9};
    std::vector<proto::SinkDialWanted> dials;
    std::vector<UniqueFd> channels;
    std::vector<proto::Event> events;
    std::vector<proto::KeepHead> kept;
    std::vector<proto::WitnessStates> told;
    std::unique_ptr<HeadDesk> desk;
};

TEST_CASE_METHOD(HeadTest, "head_desk: given a start, when a head is signed, then it is shown at once, and what comes back is kept and on record", "[audit][AU-9]")
{
    open();
    auto& peer = asked(1);
    CHECK(processes.configs[0].old_size == 0);
    CHECK(processes.configs[0].note.view() == newest().note);
    CHECK(processes.given[0] == 1);
    std::vector<UniqueFd> descriptors;
    (void)peer.take<proto::HeadSocket>(&descriptors);
    CHECK(descriptors.size() == 1);
    answer(peer, cosigned(newest().body));
    REQUIRE(said() == std::vector{What::audit_head_witnessed});
    CHECK(events[0].number == 300);
    CHECK(events[0].resource.view() == "audit-witness out");
    REQUIRE(kept.size() == 1);
    CHECK(check_cosignature(parse_note(kept[0].note.view()).value(), parse_key(kept[0].key.view(), KeyKind::witness).value()).value() == 1'795'000'000);
    CHECK(state().health == HeadHealth::witnessed);
    CHECK(state().witnessed == 300);
    CHECK(state().owed_ms == 0);
    advance(599s);
    settle();
    CHECK(dials.size() == 1);
    advance(1s);
    wait_for_dial(2);
}

TEST_CASE_METHOD(HeadTest, "head_desk: given what was kept, when a head is shown, then it is proved from there, with tiles that only read", "[audit][AU-9][T-40]")
{
    open({{"else", 7, 1}, {"out", 200, 1'794'990'000}});
    CHECK(state().witnessed == 200);
    CHECK(state().owed_ms == 1'794'990'600'000);  // since that head is older than the interval
    auto& peer = asked(1);
    CHECK(processes.configs[0].old_size == 200);
    std::vector<UniqueFd> tile;
    (void)peer.take<proto::HeadTile>(&tile);
    REQUIRE(tile.size() == 1);
    CHECK((::fcntl(tile[0].get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
}

TEST_CASE_METHOD(HeadTest, "head_desk: given a witness that knows another size, when it says so, then it is asked once more from there", "[audit][AU-9][T-40]")
{
    open();
    answer(asked(1), says(HeadAnswer::other_size, 409, 120));
    auto& second = asked(2);
    CHECK(processes.configs[1].old_size == 120);
    answer(second, says(HeadAnswer::other_size, 409, 130));  // by turns for ever: not with this log
    settle();
    CHECK(dials.size() == 2);
    REQUIRE(said() == std::vector{What::audit_head_refused});
    CHECK(events[0].detail.view() == "https://w.example/ why=contradiction status=409");
}

TEST_CASE_METHOD(HeadTest, "head_desk: given a witness that has seen another history, when it says so, then that is an alarm on record", "[audit][AU-9][T-41]")
{
    std::string why;
    SECTION("more than there is")
    {
        open();
        answer(asked(1), says(HeadAnswer::other_size, 409, 301));
        why = "why=ahead status=409";
    }
    SECTION("as much, with another root")
    {
        open({{"out", 300, 1'795'000'000}});
        answer(asked(1), says(HeadAnswer::other_size, 409, 300));
        why = "why=other_root status=409";
    }
    SECTION("less, and it does not lead here")
    {
        open({{"out", 200, 1'795'000'000}});
        answer(asked(1), says(HeadAnswer::answered, 422));
        why = "why=other_history status=422";
    }
    REQUIRE(said() == std::vector{What::audit_head_conflict});
    CHECK(events[0].detail.view() == "https://w.example/ " + why);
    CHECK(state().health == HeadHealth::conflict);
    CHECK(kept.empty());
    advance(5s);  // and once: it is tried again, and says the same
    auto const again = state().word.view() == "ahead" ? says(HeadAnswer::other_size, 409, 301)
                       : state().word.view() == "other_root" ? says(HeadAnswer::other_size, 409, 300) : says(HeadAnswer::answered, 422);
    answer(asked(2), again);
    CHECK(events.size() == 1);
}

TEST_CASE_METHOD(HeadTest, "head_desk: given what is no cosignature of this head, when it is told as one, then it is refused, kept nowhere, and on record",
    "[audit][AU-9][T-40]")
{
    open();
    auto& peer = asked(1);
    auto told_as = cosigned(newest().body);
    std::string why = "bad_cosignature";
    SECTION("of another head") { told_as = cosigned("box.example/audit\n300\nAAAA\n"); }
    SECTION("by another key") { told_as.signature = signer.sign("cosignature/v1\ntime 1795000000\n" + newest().body); }
    SECTION("another time than was signed") { ++told_as.time_s; }
    SECTION("from the future")
    {
        told_as = cosigned(newest().body, 601);
        why = "wrong_time";
    }
    SECTION("from long ago")
    {
        told_as = cosigned(newest().body, -601);
        why = "wrong_time";
    }
    answer(peer, told_as);
    REQUIRE(said() == std::vector{What::audit_head_refused});
    CHECK(events[0].detail.view() == "https://w.example/ why=" + why + " status=200");
    CHECK(state().health == HeadHealth::refused);
    CHECK(state().witnessed == 0);
    CHECK(kept.empty());
}

TEST_CASE_METHOD(HeadTest, "head_desk: given an answer that does not count, when it comes, then the state says why, and a refusal is on record",
    "[audit][AU-9][T-40]")
{
    struct Case {
        proto::HeadOutcome outcome;
        HeadHealth health;
        std::string word;
    };
    auto tls = says(HeadAnswer::tls);
    tls.word = "chain";
    auto const one = GENERATE_REF(values<Case>({{says(HeadAnswer::answered, 403), HeadHealth::refused, "answered"},
        {says(HeadAnswer::answered, 404), HeadHealth::refused, "answered"}, {says(HeadAnswer::answered, 429), HeadHealth::failing, "answered"},
        {says(HeadAnswer::answered, 503), HeadHealth::failing, "answered"}, {says(HeadAnswer::answered, 422), HeadHealth::refused, "answered"},
        {says(HeadAnswer::not_cosigned, 200), HeadHealth::refused, "not_cosigned"}, {says(HeadAnswer::other_key, 200), HeadHealth::refused, "wrong_key"},
        {says(HeadAnswer::too_large, 200), HeadHealth::refused, "too_large"}, {says(HeadAnswer::grammar, 200), HeadHealth::refused, "grammar"},
        {says(HeadAnswer::closed), HeadHealth::failing, "closed"}, {says(HeadAnswer::timed_out), HeadHealth::failing, "timed_out"},
        {tls, HeadHealth::failing, "tls:chain"}}));
    open();
    answer(asked(1), one.outcome);
    CHECK(state().health == one.health);
    CHECK(state().word.view() == one.word);
    CHECK(state().status == one.outcome.status);
    CHECK(said() == (one.health == HeadHealth::refused ? std::vector{What::audit_head_refused} : std::vector<What>{}));
}

TEST_CASE_METHOD(HeadTest, "head_desk: given a witness that is away, when it is for long, then it is tried ever less often, that is on record once, and one head is enough",
    "[audit][AU-9][T-40]")
{
    open();
    std::size_t attempts = 0;
    auto const away = [&] {
        wait_for_dial(++attempts);
        on_loop([this] {
            proto::SinkDialled dialled{dials.back().request, {}, "unreachable"};
            CHECK(desk->dialled(dialled));
        });
    };
    away();
    CHECK(state().health == HeadHealth::failing);
    CHECK(state().word.view() == "unreachable");
    for (auto const wait : {5s, 10s, 20s, 40s, 80s, 160s}) {
        advance(wait - 1s);
        settle();
        CHECK(dials.size() == attempts);
        advance(1s);
        away();
    }
    CHECK(events.empty());
    advance(320s);  // 635 s: a head has been owed for longer than the interval
    away();
    REQUIRE(said() == std::vector{What::audit_head_overdue});
    CHECK(events[0].detail.view() == "https://w.example/ why=unreachable status=0 owed_s=635 heads=2");
    for (int i = 0; i < 4; ++i) {
        advance(900s);
        away();
    }
    CHECK(events.size() == 1);
    advance(900s);
    auto& peer = asked(++attempts);
    auto back = cosigned(newest().body);
    back.time_s += 600;  // its clock went on, and ours with it
    back.signature = witness.sign("cosignature/v1\ntime " + std::to_string(back.time_s) + "\n" + newest().body);
    on_loop([this] { clock.set_wall(WallTime(1'795'000'600'000ms)); });
    answer(peer, back);
    CHECK(said().back() == What::audit_head_witnessed);
    CHECK(state().owed_ms == 0);
}

TEST_CASE_METHOD(HeadTest, "head_desk: given a process that says what cannot be, or nothing, when it does, then it is ended and the head is tried again",
    "[audit][AU-9][T-14][T-40]")
{
    open();
    auto& peer = asked(1);
    SECTION("a word that is not one")
    {
        auto odd = says(HeadAnswer::tls);
        odd.word = "a b\n";
        answer(peer, odd);
        CHECK(said() == std::vector{What::helper_violation});
        CHECK(state().word.view() == "ended");
    }
    SECTION("a status that is none")
    {
        answer(peer, says(HeadAnswer::answered, 1000));
        CHECK(said() == std::vector{What::helper_violation});
    }
    SECTION("silence")
    {
        advance(30s);
        until([this] { return state().word.view() == "timed_out"; });
        CHECK(events.empty());
    }
    advance(5s);
    wait_for_dial(2);
}

TEST_CASE_METHOD(HeadTest, "head_desk: given tiles that are not there, when a head is to be proved by them, then no process is started", "[audit][AU-9][T-14]")
{
    std::filesystem::remove_all(folder.path() / "tile");
    open({{"out", 200, 1'795'000'000}});
    wait_for_dial(1);
    on_loop([this] {
        proto::SinkDialled dialled{dials.back().request, folder.open(), {}};
        CHECK(desk->dialled(dialled));
    });
    CHECK(processes.peers.empty());
    CHECK(state().word.view() == "log_unreadable");
}

TEST_CASE_METHOD(HeadTest, "head_desk: given a connection for somebody else, when it is made, then it is left as it was", "[audit][AU-9]")
{
    open();
    wait_for_dial(1);
    on_loop([this] {
        proto::SinkDialled dialled{RequestId{1}, folder.open(), {}};
        CHECK_FALSE(desk->dialled(dialled));
        CHECK(dialled.socket);
    });
    CHECK(processes.peers.empty());
}

struct KeyedHeadTest : HeadTest {
    KeyedHeadTest() : HeadTest(true) {}
};

TEST_CASE_METHOD(KeyedHeadTest, "head_desk: given a witness that is shown a certificate, when custody is not up, then it is not asked; then it is, with a channel",
    "[audit][AU-9][T-12]")
{
    open();
    until([this] { return state().word.view() == "custody_down"; });
    CHECK(dials.empty());
    on_loop([this] { desk->custody_up(); });
    advance(5s);
    (void)asked(1);
    CHECK(processes.given[0] == 2);
    CHECK(channels.size() == 1);
    CHECK(processes.configs[0].shows_certificate);
}

}  // namespace test_head_desk
