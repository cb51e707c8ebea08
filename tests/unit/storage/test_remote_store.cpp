// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: remote_store, with sweepers that the test plays. The clock is the test's; what is due is done at the loop's next turns.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <filesystem>
#include <optional>

#include "storage/limits.h"
#include "storage/remote_store.h"
#include "storage/session_store.h"
#include "support/loop_turns.h"
#include "support/role_peer.h"

namespace test_remote_store {

using namespace ocu;
using namespace ocu::storage;
using proto::What;

constexpr SessionId kSession{0xabc};

class SweepSpawner final : public helper::Spawner {
public:
    struct Started {
        helper::Kind kind;
        proto::SweeperConfig config;
        std::vector<UniqueFd> descriptors;
        UniqueFd link;
    };
    Result<helper::Spawned> spawn(helper::Kind kind, Slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override
    {
        ++times;
        if (broken) return fail(Fault::os, "no process can be made");
        auto pair = OCU_TRY(make_socket_pair());
        started.push_back({kind, OCU_TRY(wire::decode<proto::SweeperConfig>(config)), std::move(descriptors), std::move(pair.theirs)});
        return helper::Spawned{{}, std::move(pair.ours)};
    }
    void report_violation(helper::Kind) override {}
    std::vector<Started> started;
    int times = 0;
    bool broken = false;
};

struct RemoteTest {
    RemoteTest()
    {
        REQUIRE(::mkdtemp(name) != nullptr);
        edge.on_message([this](proto::StorageToEdge::Message message) {
            if (auto* const wanted = std::get_if<proto::StoreLaneWanted>(&message)) lanes.push_back(std::move(*wanted));
        });
        custody.on_message([this](proto::StorageToCustody::Message message) {
            credentials.push_back(std::move(std::get<proto::StoreCredentialWanted>(message)));
        });
        make();
    }
    ~RemoteTest()
    {
        store.reset();
        std::filesystem::remove_all(name);
    }

    void make()
    {
        store.emplace(loop, clock, place, UniqueFd(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
            RemoteStore::Wires{edge, custody, recorder, spawner});
    }
    void settle() { test::turn_loop(loop); }
    void pass(std::chrono::milliseconds time)
    {
        clock.advance(time);
        store->tick();
        settle();
    }
    void says(std::size_t sweeper, proto::SweepDone const& done)
    {
        auto const link = spawner.started.at(sweeper).link.get();
        REQUIRE(helper::write_frame(link, helper::kReadyType, {}, {}));
        REQUIRE(helper::write_frame(link, static_cast<std::uint16_t>(proto::SweepDone::kType), wire::encode(done), {}));
        settle();
    }
    std::vector<std::string> markers() const
    {
        UniqueFd const at(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return markers_in(at.get());
    }
    std::vector<proto::Event> swept() const
    {
        std::vector<proto::Event> out;
        for (auto const& each : recorder.events)
            if (each.what == What::store_swept) out.push_back(each);
        return out;
    }

    char name[32] = "/tmp/ocu-remote-XXXXXX";
    S3Place place{"https://store.example:9000", "eu", "bucket", "one/", true, "pem"};
    wire::Loop loop;
    ManualClock clock;
    proto::StorageToEdge edge{loop};
    proto::StorageToCustody custody{loop};
    test::Recorder recorder;
    SweepSpawner spawner;
    std::vector<proto::StoreLaneWanted> lanes;
    std::vector<proto::StoreCredentialWanted> credentials;
    std::optional<RemoteStore> store;
};

TEST_CASE_METHOD(RemoteTest,
    "remote_store: given a session, when its broker is equipped, then a prefix of this run and session, a way and a credential",
    "[storage][T-31][SB-4]")
{
    CHECK(store->equip(kSession, [] {}).error().fault == Fault::unavailable);
    REQUIRE(store->begin());
    REQUIRE(markers().size() == 1);
    auto const given = store->equip(kSession, [] {}).value();
    settle();
    CHECK(given.place.prefix.view() == run_prefix(place, markers()[0]) + "s-0000000000000abc/");
    CHECK(given.place.prefix.view().starts_with("one/r-"));
    CHECK(given.place.endpoint.view() == place.endpoint);
    CHECK(given.place.ca_pem.view() == "pem");
    REQUIRE(lanes.size() == 1);
    CHECK(lanes[0].session == kSession);
    CHECK(lanes[0].use == proto::LaneUse::serve);
    REQUIRE(credentials.size() == 1);
    CHECK(credentials[0].session == kSession);
    CHECK(::send(credentials[0].to.get(), "x", 1, 0) == 1);
    char byte = 0;
    CHECK(::recv(given.credential.get(), &byte, 1, MSG_DONTWAIT) == 1);
    CHECK(store->equip(kSession, [] {}).error().fault == Fault::conflict);
}

TEST_CASE_METHOD(RemoteTest,
    "remote_store: given a session that is over, when a moment has passed, then its objects alone are swept, and it is on record",
    "[storage][T-31][T-13][SB-3]")
{
    REQUIRE(store->begin());
    auto const prefix = store->equip(kSession, [] {}).value().place.prefix.str();
    store->session_over(kSession);
    settle();
    CHECK(spawner.times == 0);
    pass(kSweepAfter);
    REQUIRE(spawner.started.size() == 1);
    CHECK(spawner.started[0].kind == helper::Kind::sweeper);
    CHECK(spawner.started[0].config.place.prefix.view() == prefix);
    CHECK(spawner.started[0].descriptors.size() == 2);
    CHECK(lanes.back().use == proto::LaneUse::sweep);
    CHECK(credentials.back().session == kSession);
    says(0, {true, 12, 3400});
    auto const events = swept();
    REQUIRE(events.size() == 1);
    CHECK(events[0].outcome == proto::Outcome::success);
    CHECK(events[0].session == kSession);
    CHECK(events[0].number == 12);
    CHECK(events[0].bytes == 3400);
}

TEST_CASE_METHOD(RemoteTest,
    "remote_store: given a store that is down, when a sweep fails in whatever way, then it is on record and tried again later",
    "[storage][T-31][SB-9][SX-6]")
{
    REQUIRE(store->begin());
    (void)store->equip(kSession, [] {}).value();
    store->session_over(kSession);
    if (auto const way = GENERATE(0, 1, 2, 3, 4); way == 0) {
        spawner.broken = true;
        pass(kSweepAfter);
        spawner.broken = false;
    } else {
        pass(kSweepAfter);
        REQUIRE(spawner.started.size() == 1);
        if (way == 1) says(0, {false, 3, 10});
        if (way == 2) spawner.started[0].link.reset();
        if (way == 3) REQUIRE(helper::write_frame(spawner.started[0].link.get(), 0x7777, {}, {}));
        if (way == 4)  // without having said that it is confined
            REQUIRE(helper::write_frame(spawner.started[0].link.get(), static_cast<std::uint16_t>(proto::SweepDone::kType),
                wire::encode(proto::SweepDone{true, 1, 1}), {}));
    }
    settle();
    REQUIRE(swept().size() == 1);
    CHECK(swept()[0].outcome == proto::Outcome::failure);
    auto const before = spawner.started.size();
    settle();
    CHECK(spawner.started.size() == before);
    pass(kSweepAgainFirst);
    REQUIRE(spawner.started.size() == before + 1);
    CHECK(spawner.started.back().config.place.prefix.view().ends_with("s-0000000000000abc/"));
    says(before, {true, 1, 1});
    CHECK(swept().back().outcome == proto::Outcome::success);
    CHECK(swept().back().detail.view() == "attempt=2");
}

TEST_CASE_METHOD(RemoteTest,
    "remote_store: given what an earlier run left, when begun, then that run is swept and forgotten, and of another place nothing is "
    "touched",
    "[storage][T-31][T-13]")
{
    REQUIRE(store->begin());
    auto const earlier = markers().at(0);
    auto elsewhere = place;
    elsewhere.bucket = "another";
    UniqueFd const at(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto const other = marker_of(elsewhere, "ffffffffffffffffffffffffffffffff");
    REQUIRE(make_marker(at.get(), other));
    make();
    REQUIRE(store->begin());
    settle();
    CHECK(markers().size() == 3);
    REQUIRE(spawner.started.size() == 1);
    CHECK(spawner.started[0].config.place.prefix.view() == run_prefix(place, earlier));
    CHECK(credentials.back().session == SessionId{});
    says(0, {true, 2, 2});
    CHECK(markers().size() == 2);
    CHECK_FALSE(std::ranges::contains(markers(), earlier));
    CHECK(std::ranges::contains(markers(), other));
    settle();
    CHECK(spawner.started.size() == 1);
}

TEST_CASE_METHOD(RemoteTest,
    "remote_store: given an orderly end, when stopped, then one sweep of the whole run, and it is forgotten only if nothing is left",
    "[storage][T-31][T-13]")
{
    REQUIRE(store->begin());
    (void)store->equip(kSession, [] {}).value();
    store->session_over(kSession);
    bool stopped = false;
    store->stop([&] { stopped = true; });
    settle();
    CHECK_FALSE(stopped);
    REQUIRE(spawner.started.size() == 1);
    CHECK(spawner.started[0].config.place.prefix.view() == run_prefix(place, markers().at(0)));
    SECTION("the store is there")
    {
        says(0, {true, 5, 5});
        CHECK(markers().empty());
    }
    SECTION("the store is down")
    {
        says(0, {false, 0, 0});
        CHECK(markers().size() == 1);
    }
    CHECK(stopped);
    settle();
    CHECK(spawner.started.size() == 1);
}

TEST_CASE_METHOD(
    RemoteTest, "remote_store: given a sweep under way, when stopped, then the whole run is swept after it", "[storage][T-31][T-13]")
{
    REQUIRE(store->begin());
    store->session_over(kSession);
    pass(kSweepAfter);
    REQUIRE(spawner.started.size() == 1);
    bool stopped = false;
    store->stop([&] { stopped = true; });
    settle();
    says(0, {true, 1, 1});
    CHECK_FALSE(stopped);
    REQUIRE(spawner.started.size() == 2);
    says(1, {true, 1, 1});
    CHECK(stopped);
    CHECK(markers().empty());
}

TEST_CASE("remote_store: given a state that cannot be written, when begun, then no broker is equipped", "[storage][T-31]")
{
    wire::Loop loop;
    ManualClock const clock;
    proto::StorageToEdge edge{loop};
    proto::StorageToCustody custody{loop};
    test::Recorder recorder;
    SweepSpawner spawner;
    RemoteStore store(loop, clock, {"https://a", "r", "b", "p/", true, ""}, {}, {edge, custody, recorder, spawner});
    CHECK_FALSE(store.begin());
    CHECK_FALSE(store.equip(kSession, [] {}));
}

}  // namespace test_remote_store
