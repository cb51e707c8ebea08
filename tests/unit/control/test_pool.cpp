// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the warm pool (src/control/pool, sessions, lifecycle): made for nobody, recorded as a caller's before its first call, used once (SX-6).

#include "unit/control/control_fixture.h"

#include <future>
#include <optional>

#include "control/pool.h"
#include "control/sessions.h"

namespace test_pool {

using namespace ocu;
using namespace ocu::control;
using namespace std::chrono_literals;
using test_control::ControlTest;
using test_control::Pen;
using proto::Reason;
using proto::What;

Config with_pool(std::size_t wanted, std::size_t slots = 8)
{
    Config config;
    config.warm_pool = wanted;
    config.sessions_max = slots;
    return config;
}

struct PoolTest : ControlTest {
    explicit PoolTest(Config config = with_pool(1)) : ControlTest(std::move(config)) {}

    // The pool is looked at by a timer of the loop, so nothing is at rest here: all that the neighbours noted is read on their thread.
    template <class Look>
    auto on_loop(Look look)
    {
        std::promise<decltype(look())> told;
        static_cast<wire::Loop&>(loop).post([&] {
            if constexpr (std::is_void_v<decltype(look())>) {
                look();
                told.set_value();
            } else {
                told.set_value(look());
            }
        });
        return told.get_future().get();
    }
    std::size_t creates()
    {
        return on_loop([this] { return ControlTest::creates(); });
    }
    SessionId created()
    {
        return on_loop([this] { return ControlTest::created(); });
    }
    Reason last_refusal()
    {
        return on_loop([this] { return ControlTest::last_refusal(); });
    }
    std::vector<RequestId> granted(SessionId session)
    {
        return on_loop([this, session] { return ControlTest::granted(session); });
    }
    void hold(Pen pen)
    {
        on_loop([this, pen] { recorder.pen = pen; });
    }
    void later(std::chrono::milliseconds time)
    {
        on_loop([this, time] { clock.advance(time); });
    }
    template <class Holds>
    bool soon(Holds holds)
    {
        auto const until = std::chrono::steady_clock::now() + 10s;
        while (!holds() && std::chrono::steady_clock::now() < until) loop.settle();
        return holds();
    }
    SessionId pooled(std::size_t number = 1)
    {
        REQUIRE(soon([&] { return creates() == number; }));
        SessionId const session = created();
        sandbox_in.send(proto::SessionUp{session});
        loop.settle();
        return session;
    }
    proto::Event last_event(What what)
    {
        auto const event = on_loop([this, what] {
            auto const found = std::ranges::find_last(recorder.events, what, &proto::Event::what);
            return found.empty() ? std::nullopt : std::optional(found.front());
        });
        REQUIRE(event.has_value());
        return *event;
    }
};

TEST_CASE_METHOD(PoolTest, "pool: given one that is ready, when a caller comes, then it is on record as that caller's and theirs at once", "[control][SX-6][P5]")
{
    SessionId const ready = pooled();
    CHECK(last_event(What::session_pooled).session == ready);
    CHECK(last_event(What::session_pooled).actor.empty());
    CHECK(on_loop([&] { return recorder.count(What::session_create); }) == 0);
    auto const before = creates();
    want(1, 7, "chat-1");
    CHECK(granted(ready) == std::vector{RequestId{1}});
    CHECK(creates() == before);
    auto const event = last_event(What::session_create);
    CHECK(event.session == ready);
    CHECK(event.actor.view() == "dev");
    CHECK(event.detail.view() == "chat-1");
    want(2, 7, "chat-1");
    CHECK(granted(ready).size() == 2);
    // The next is another one, and nobody gets the first again.
    SessionId const next = pooled(before + 1);
    CHECK(next != ready);
    want(3, 8, "chat-1");
    CHECK(granted(next) == std::vector{RequestId{3}});
}

TEST_CASE_METHOD(PoolTest, "pool: given no record of the claim, when a caller comes, then it is refused and the sandbox is ended", "[control][CT-6][SX-6]")
{
    SessionId const ready = pooled();
    hold(Pen::fails);
    want(1);
    CHECK(last_refusal() == Reason::audit_unavailable);
    CHECK(granted(ready).empty());
    CHECK(on_loop([&] {
        return std::ranges::any_of(to_sandbox, [&](auto const& m) {
            auto const* const end = std::get_if<proto::SessionEnd>(&m);
            return end != nullptr && end->session == ready;
        });
    }));
}

TEST_CASE_METHOD(PoolTest, "pool: given a claim whose record is not there yet, when it is asked for again, then nobody is granted it before", "[control][CT-6]")
{
    SessionId const ready = pooled();
    hold(Pen::silent);
    want(1);
    want(2);
    CHECK(granted(ready).empty());
    CHECK(creates() == 1);
}

TEST_CASE_METHOD(PoolTest, "pool: given one that is on its way, when a caller comes, then it is theirs, and on record as theirs, when it comes up",
    "[control][SX-6][CT-6]")
{
    REQUIRE(soon([&] { return creates() == 1; }));
    SessionId const coming = created();
    want(1, 7, "chat-1");
    want(2, 7, "chat-1");
    CHECK(creates() == 1);
    CHECK(granted(coming).empty());
    hold(Pen::silent);
    sandbox_in.send(proto::SessionUp{coming});
    loop.settle();
    CHECK(granted(coming).empty());
    CHECK(last_event(What::session_create).actor.view() == "dev");
    hold(Pen::writes);
    want(3, 8, "other");
    CHECK(granted(coming).empty());
}

TEST_CASE_METHOD(PoolTest, "pool: given one that a caller waits for, when it cannot start, then they hear so and it counts as theirs", "[control][CT-1][CT-4]")
{
    REQUIRE(soon([&] { return creates() == 1; }));
    SessionId const coming = created();
    want(1, 7, "chat-1");
    sandbox_in.send(proto::SessionDown{coming, Reason::session_failed});
    loop.settle();
    CHECK(last_refusal() == Reason::session_failed);
    want(2, 7, "chat-1");
    CHECK(creates() >= 2);
}

TEST_CASE_METHOD(PoolTest, "pool: given a frozen appliance, when one was claimed before, then none is made until it is thawed", "[control][CT-2]")
{
    connect_front();
    SessionId const ready = pooled();
    REQUIRE(ask(proto::OperatorAction::freeze).reason == Reason::none);
    want(1);
    CHECK(last_refusal() == Reason::sessions_frozen);
    CHECK(granted(ready).empty());
    sandbox_in.send(proto::SessionDead{ready});
    sandbox_in.send(proto::SessionDown{ready, Reason::session_ended});
    loop.settle();
    later(61s);
    auto const started = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < started + 3 * kRefillEvery) loop.settle();
    CHECK(creates() == 1);
    REQUIRE(ask(proto::OperatorAction::thaw).reason == Reason::none);
    CHECK(soon([&] { return creates() == 2; }));
}

TEST_CASE_METHOD(PoolTest, "pool: given kill-all, when one is ready, then it is killed too, and a new one is made", "[control][CT-2][T-17]")
{
    connect_front();
    SessionId const ready = pooled();
    CHECK(ask(proto::OperatorAction::kill_all).killed == 1);
    CHECK(on_loop([&] { return std::ranges::count(severed_edge, ready); }) == 1);
    want(1);
    CHECK(granted(ready).empty());
    CHECK(soon([&] { return creates() >= 2; }));
}

TEST_CASE_METHOD(PoolTest, "pool: given one that waits for too long, when its time is over, then another takes its place", "[control][SX-6]")
{
    SessionId const ready = pooled();
    later(kPooledAgeMax - 1s);
    auto const started = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < started + 3 * kRefillEvery) loop.settle();
    CHECK(creates() == 1);
    later(1s);
    CHECK(pooled(2) != ready);
    CHECK(last_event(What::session_destroy).session == ready);
}

TEST_CASE_METHOD(PoolTest, "pool: given sandboxes that are lost, when it makes others, then it waits longer each time", "[control][T-06]")
{
    auto const lose = [&](std::size_t number) {
        REQUIRE(soon([&] { return creates() == number; }));
        sandbox_in.send(proto::SessionDown{created(), Reason::session_failed});
        loop.settle();
    };
    lose(1);
    later(1s);
    lose(2);
    later(1'999ms);
    auto const started = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < started + 3 * kRefillEvery) loop.settle();
    CHECK(creates() == 2);
    later(1ms);
    CHECK(soon([&] { return creates() == 3; }));
}

TEST_CASE_METHOD(PoolTest, "pool: given status and sessions, when an operator looks, then it is seen and is no caller's", "[control][CT-5]")
{
    connect_front();
    (void)pooled();
    auto const status = ask(proto::OperatorAction::status);
    CHECK(status.session_count == 0);
    CHECK(status.pool_ready == 1);
    CHECK(status.pool_wanted == 1);
    auto const list = ask(proto::OperatorAction::sessions);
    REQUIRE(list.sessions.items().size() == 1);
    CHECK(list.sessions.items()[0].state.view() == "pooled");
    CHECK(list.sessions.items()[0].caller.empty());
}

struct FewSlots : PoolTest {
    FewSlots() : PoolTest(with_pool(3, 3)) {}
};

TEST_CASE_METHOD(FewSlots, "pool: given few slots, when it fills, then the last is left for a caller and callers get the pool's", "[control][CT-4]")
{
    SessionId const first = pooled(1);
    SessionId const second = pooled(2);
    auto const started = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < started + 3 * kRefillEvery) loop.settle();
    CHECK(creates() == 2);
    want(1, 1, "a");
    want(2, 1, "b");
    CHECK(granted(first).size() == 1);
    CHECK(granted(second).size() == 1);
    want(3, 1, "c");
    CHECK(creates() == 3);
    want(4, 1, "d");
    CHECK(last_refusal() == Reason::too_many_sessions);
}

TEST_CASE("pool: given what there is, when another is thought of, then one at a time, after callers, and not the last slot", "[control][SX-6]")
{
    ManualClock clock;
    Pool pool(2);
    CHECK(pool.may_make({0, 0, 0, 8}, clock.now()));
    CHECK(pool.may_make({1, 0, 0, 8}, clock.now()));
    CHECK_FALSE(pool.may_make({2, 0, 0, 8}, clock.now()));
    CHECK_FALSE(pool.may_make({0, 1, 0, 8}, clock.now()));
    CHECK_FALSE(pool.may_make({0, 0, 1, 8}, clock.now()));
    CHECK_FALSE(pool.may_make({0, 0, 0, 1}, clock.now()));
    CHECK_FALSE(Pool(0).may_make({0, 0, 0, 8}, clock.now()));
    for (int i = 0; i < 20; ++i) pool.lost(clock.now());
    clock.advance(Pool::kPauseMax - 1ms);
    CHECK_FALSE(pool.may_make({0, 0, 0, 8}, clock.now()));
    clock.advance(1ms);
    CHECK(pool.may_make({0, 0, 0, 8}, clock.now()));
    pool.came_up();
    pool.lost(clock.now());
    clock.advance(Pool::kPauseMin);
    CHECK(pool.may_make({0, 0, 0, 8}, clock.now()));
}

TEST_CASE("pool: given one of the pool, when anything happens to it, then it is found by no caller until its claim is on record", "[control][SX-6]")
{
    Sessions sessions(4);
    ManualClock clock;
    Session& session = *sessions.add_for_pool(SessionId{1}, clock.now());
    CHECK(sessions.apply(session, Happening::recorded) == Act::mint);
    CHECK(sessions.apply(session, Happening::minted) == Act::create);
    CHECK(sessions.find_live(CallerId{}, "") == nullptr);
    CHECK(sessions.live_of(CallerId{}) == 0);
    CHECK(sessions.apply(session, Happening::shelve) == Act::shelve);
    CHECK(sessions.find_live(CallerId{}, "") == nullptr);
    CHECK(sessions.find_pooled() == &session);
    clock.advance(1h);
    CHECK(sessions.overdue(clock.now(), 1s, 1s).empty());
    CHECK(sessions.pooled_for(clock.now(), 1h).size() == 1);
    session.owner = Owner::caller;
    session.caller = CallerId{3};
    session.chat = "x";
    CHECK(sessions.apply(session, Happening::claim) == Act::record_claim);
    CHECK(sessions.find_pooled() == nullptr);
    CHECK(sessions.find_live(CallerId{3}, "x")->phase == Phase::claiming);
    CHECK(sessions.apply(session, Happening::shelve) == Act::none);
    CHECK(sessions.apply(session, Happening::recorded) == Act::grant);
    CHECK(sessions.apply(session, Happening::claim) == Act::none);
    CHECK(sessions.apply(session, Happening::shelve) == Act::none);
    CHECK(session.phase == Phase::up);
}

}  // namespace test_pool
