// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/sessions, quota, session_name. The table of a session's life, and what a caller may have.

#include "control/quota.h"
#include "control/session_name.h"
#include "control/sessions.h"

#include <set>

namespace test_sessions {

using namespace ocu;
using namespace ocu::control;
using namespace std::chrono_literals;

struct SessionsTest {
    Session& in_phase(std::initializer_list<Happening> path)
    {
        Session* const session = sessions.add(SessionId{++last}, CallerId{1}, "dev", "chat", clock.now());
        REQUIRE(session != nullptr);
        for (Happening const each : path) (void)sessions.apply(*session, each);
        return *session;
    }

    ManualClock clock;
    Sessions sessions{2};
    std::uint64_t last = 0;
};

TEST_CASE_METHOD(SessionsTest, "sessions: given a wanted session, when all goes well, then it is recorded, minted, created, granted",
    "[control][CT-1][CT-6]")
{
    Session& session = in_phase({});
    CHECK(sessions.apply(session, Happening::recorded) == Act::mint);
    CHECK(sessions.apply(session, Happening::minted) == Act::create);
    CHECK(sessions.apply(session, Happening::came_up) == Act::grant);
    CHECK(session.phase == Phase::up);
    CHECK(sessions.find_live(CallerId{1}, "chat") == &session);
}

TEST_CASE_METHOD(SessionsTest, "sessions: given no record, when it is refused, then nothing was created", "[control][CT-6][T-09]")
{
    Session& session = in_phase({});
    CHECK(sessions.apply(session, Happening::record_failed) == Act::refuse);
    CHECK(session.phase == Phase::gone);
}

TEST_CASE_METHOD(
    SessionsTest, "sessions: given a session killed before its record, when the record comes late, then it stays gone", "[control][T-13]")
{
    Session& session = in_phase({});
    CHECK(sessions.apply(session, Happening::kill) == Act::refuse);
    CHECK(session.phase == Phase::gone);
    sessions.forget(session.id);
    CHECK(sessions.find(SessionId{1}) == nullptr);
}

TEST_CASE_METHOD(
    SessionsTest, "sessions: given a kill while starting, when `up` crosses it, then nobody is granted it", "[control][T-13][T-17]")
{
    Session& session = in_phase({Happening::recorded, Happening::minted});
    CHECK(sessions.apply(session, Happening::kill) == Act::refuse_kill);
    CHECK(sessions.apply(session, Happening::came_up) == Act::none);
    CHECK(session.phase == Phase::killing);
    CHECK(sessions.apply(session, Happening::died) == Act::severed);
    CHECK(sessions.apply(session, Happening::went_down) == Act::severed);
    CHECK(session.phase == Phase::gone);
}

TEST_CASE_METHOD(SessionsTest, "sessions: given an orderly end under way, when it is killed, then it is killed harder", "[control][T-17]")
{
    Session& session = in_phase({Happening::recorded, Happening::minted, Happening::came_up, Happening::end});
    CHECK(session.phase == Phase::ending);
    CHECK(sessions.apply(session, Happening::kill) == Act::kill_harder);
}

TEST_CASE_METHOD(SessionsTest, "sessions: given one that is ending, when its caller calls again, then it is not found", "[control][T-13]")
{
    (void)in_phase({Happening::recorded, Happening::minted, Happening::came_up, Happening::kill});
    CHECK(sessions.find_live(CallerId{1}, "chat") == nullptr);
    CHECK(sessions.live_of(CallerId{1}) == 0);
}

TEST_CASE_METHOD(SessionsTest,
    "sessions: given every slot taken by the dying, when another is added, then there is none until one is forgotten",
    "[control][T-13][CT-1]")
{
    Session& first = in_phase({Happening::recorded, Happening::minted, Happening::came_up, Happening::kill, Happening::died});
    (void)in_phase({});
    CHECK(sessions.add(SessionId{9}, CallerId{1}, "dev", "other", clock.now()) == nullptr);
    Slot const slot = first.slot;
    (void)sessions.apply(first, Happening::went_down);
    sessions.forget(first.id);
    Session* const next = sessions.add(SessionId{9}, CallerId{1}, "dev", "other", clock.now());
    REQUIRE(next != nullptr);
    CHECK(next->slot == slot);
}

TEST_CASE_METHOD(
    SessionsTest, "sessions: given another caller with the same chat, when it is looked up, then it is not theirs", "[control][GW-5][T-01]")
{
    (void)in_phase({});
    CHECK(sessions.find_live(CallerId{2}, "chat") == nullptr);
    CHECK(sessions.find_live(CallerId{1}, "chat2") == nullptr);
}

TEST_CASE_METHOD(SessionsTest, "sessions: given limits, when a session is idle or old, then it is overdue to the second", "[control][CT-8]")
{
    Session& session = in_phase({Happening::recorded, Happening::minted, Happening::came_up});
    clock.advance(59s);
    CHECK(sessions.overdue(clock.now(), 60s, 0s).empty());
    clock.advance(1s);
    CHECK(sessions.overdue(clock.now(), 60s, 0s).size() == 1);
    session.used = clock.now();
    CHECK(sessions.overdue(clock.now(), 60s, 0s).empty());
    CHECK(sessions.overdue(clock.now(), 0s, 60s).size() == 1);
    CHECK(sessions.overdue(clock.now(), 0s, 0s).empty());
    clock.set_wall(WallTime{});
    CHECK(sessions.overdue(clock.now(), 0s, 61s).empty());
}

TEST_CASE("quota: given limits, when each is reached, then the next creation is refused", "[control][CT-4][T-06]")
{
    ManualClock clock;
    Quota quota({.sessions_max = 10, .sessions_per_caller_max = 3, .creates_per_minute_max = 2});
    using proto::Reason;
    CHECK(quota.admit(CallerId{1}, 10, 0, clock.now()) == Reason::too_many_sessions);
    CHECK(quota.admit(CallerId{1}, 3, 3, clock.now()) == Reason::too_many_sessions);
    CHECK(quota.admit(CallerId{1}, 0, 0, clock.now()) == Reason::none);
    CHECK(quota.admit(CallerId{1}, 0, 0, clock.now()) == Reason::none);
    CHECK(quota.admit(CallerId{1}, 0, 0, clock.now()) == Reason::too_many_sessions);
    CHECK(quota.admit(CallerId{2}, 0, 0, clock.now()) == Reason::none);
    clock.advance(60s);
    CHECK(quota.admit(CallerId{1}, 0, 0, clock.now()) == Reason::none);
}

TEST_CASE("session_name: given a name, when it is read back, then only the exact form is a session", "[control][T-02]")
{
    SessionId const id{0x0123456789abcdefull};
    CHECK(session_name(id) == "s-0123456789abcdef");
    CHECK(parse_session_name("s-0123456789abcdef") == id);
    for (auto const* const wrong : {"", "s-", "0123456789abcdef", "s-0123456789ABCDEF", "s-0123456789abcde", "s-0123456789abcdef0",
             "s-0000000000000000", "s--123456789abcdef", "s-0x23456789abcdef", "s- 123456789abcdef"})
        CHECK_FALSE(parse_session_name(wrong));
}

}  // namespace test_sessions
