// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/metering, alone and in control's thread: what a session used is on record in parts that add up, and nothing waits for it.

#include "control/metering.h"

#include <charconv>
#include <ranges>

#include "unit/control/control_fixture.h"

namespace test_metering {

using namespace ocu;
using namespace ocu::control;
using namespace std::chrono_literals;
using proto::Telling;
using proto::What;
using test_control::AnyRecorder;
using test_control::ControlTest;
using test_control::Pen;

constexpr SessionId kSession{0xabcd};

std::string word_of(proto::Event const& event, std::string_view name)
{
    for (auto const part : std::views::split(event.detail.view(), ' ')) {
        std::string_view const word(part.begin(), part.end());
        if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) return std::string(word.substr(name.size() + 1));
    }
    return "(absent)";
}

std::uint64_t number_of(proto::Event const& event, std::string_view name) { return std::stoull(word_of(event, name)); }

std::vector<proto::Event> metered(std::vector<proto::Event> const& events)
{
    std::vector<proto::Event> out;
    std::ranges::copy_if(events, std::back_inserter(out), [](auto const& event) { return event.what == What::session_metered; });
    return out;
}

struct MeteringTest {
    MeteringTest()
    {
        session.id = kSession;
        session.caller_name = "dev";
        session.chat = "chat-1";
    }
    void used(std::uint64_t cpu_us, std::uint64_t memory_kib_s, Telling telling = Telling::so_far)
    {
        metering.told(proto::SessionUsed{kSession, cpu_us, memory_kib_s, true, true, telling});
    }
    void all_last()
    {
        used(0, 0, Telling::last);
        metering.told(proto::SessionMounted{kSession, 0, 0, Telling::last});
        metering.told(proto::SessionTraffic{kSession, 0, 0, Telling::last});
    }
    std::vector<proto::Event> records() const { return metered(recorder.events); }

    wire::Loop loop;
    wire::Watch guard = loop.after(10s, [] {});  // so that run_one() ends where nothing is waited for
    ManualClock clock;
    AnyRecorder recorder;
    int times_empty = 0;
    Metering metering{loop, clock, recorder, [this] { ++times_empty; }, {1ms, 1ms}};
    Session session;
};

TEST_CASE_METHOD(MeteringTest, "metering: given a session of two hours and a bit, when it ends, then its records add up to all that it used",
    "[control][AU-1][T-37]")
{
    metering.begin(session);
    metering.called(kSession);
    clock.advance(59min);
    used(1'000, 5'000);
    CHECK(records().empty());
    clock.advance(1min);
    metering.told(proto::SessionMounted{kSession, 10, 20, Telling::so_far});
    REQUIRE(records().size() == 1);
    metering.called(kSession);
    metering.denied(kSession);
    clock.advance(1h);
    used(2'500, 9'000);
    metering.told(proto::SessionTraffic{kSession, 300, 400, Telling::so_far});
    REQUIRE(records().size() == 2);
    clock.advance(90s);
    metering.ended(kSession);
    used(2'750, 9'500, Telling::last);
    metering.told(proto::SessionMounted{kSession, 15, 25, Telling::last});
    CHECK(records().size() == 2);
    metering.told(proto::SessionTraffic{kSession, 301, 402, Telling::last});
    auto const parts = records();
    REQUIRE(parts.size() == 3);
    CHECK(word_of(parts[0], "part") == "hour");
    CHECK(word_of(parts[1], "part") == "hour");
    CHECK(word_of(parts[2], "part") == "end");
    proto::Usage const expected{2'750, 9'500, 15, 25, 301, 402, 2, 1};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        std::uint64_t sum = 0;
        for (auto const& part : parts) sum += number_of(part, proto::kUsageWords[i]);
        CAPTURE(proto::kUsageWords[i]);
        CHECK(sum == expected[i]);
    }
    std::int64_t time = 0;
    for (auto const& part : parts) time += part.duration_ms;
    CHECK(std::chrono::milliseconds(time) == 2h + 90s);
    CHECK(parts[2].bytes == 703);
    CHECK((parts[0].number == 1 && parts[1].number == 2 && parts[2].number == 3));
    CHECK(parts[2].actor.view() == "dev");
    CHECK(parts[2].session == kSession);
    CHECK(word_of(parts[2], "chat") == "chat-1");
    CHECK(word_of(parts[2], "unread") == "-");
    CHECK(metering.empty());
    CHECK(times_empty == 1);
}

TEST_CASE_METHOD(MeteringTest, "metering: given last words before the end, when it ends, then its record waits for nothing", "[control][AU-1]")
{
    metering.begin(session);
    all_last();
    CHECK(records().empty());
    metering.ended(kSession);
    CHECK(records().size() == 1);
    metering.ended(kSession);
    CHECK(records().size() == 1);
}

TEST_CASE_METHOD(MeteringTest, "metering: given one who does not say its last word, when its time is over, then the record says what is unread",
    "[control][AU-1][T-13]")
{
    metering.begin(session);
    used(7, 8);
    SECTION("the edge")
    {
        used(9, 9, Telling::last);
        metering.told(proto::SessionMounted{kSession, 1, 1, Telling::last});
        metering.ended(kSession);
        loop.run_one();
        CHECK(word_of(records().at(0), "unread") == "egress");
        CHECK(number_of(records().at(0), "cpu_us") == 9);
    }
    SECTION("nobody says one")
    {
        metering.ended(kSession);
        loop.run_one();
        CHECK(word_of(records().at(0), "unread") == "cpu,memory,mount,egress");
        CHECK(number_of(records().at(0), "cpu_us") == 7);
    }
    SECTION("a cgroup that could not be read")
    {
        metering.told(proto::SessionUsed{kSession, 7, 8, false, false, Telling::last});
        metering.told(proto::SessionMounted{kSession, 0, 0, Telling::last});
        metering.told(proto::SessionTraffic{kSession, 0, 0, Telling::last});
        metering.ended(kSession);
        CHECK(word_of(records().at(0), "unread") == "cpu,memory");
    }
    CHECK(records().size() == 1);
    CHECK(metering.empty());
}

TEST_CASE_METHOD(MeteringTest, "metering: given totals that go back or a session that nobody knows, when they are told, then nothing is taken back",
    "[control][T-37]")
{
    metering.told(proto::SessionTraffic{kSession, 5, 5, Telling::last});
    metering.called(kSession);
    metering.ended(kSession);
    CHECK(recorder.events.empty());
    metering.begin(session);
    used(100, 100);
    used(40, 40);
    metering.ended(kSession);
    all_last();
    CHECK(number_of(records().at(0), "cpu_us") == 100);
    CHECK(number_of(records().at(0), "memory_kib_s") == 100);
    CHECK(number_of(records().at(0), "calls") == 0);
}

TEST_CASE_METHOD(MeteringTest, "metering: given audit that refuses a record, when it takes records again, then it has the same one, and the sum holds",
    "[control][AU-1][T-10]")
{
    recorder.pen = Pen::fails;
    metering.begin(session);
    used(5, 6);
    all_last();
    metering.ended(kSession);
    CHECK(metering.empty());
    REQUIRE(records().size() == 1);
    loop.run_one();
    REQUIRE(records().size() == 2);
    recorder.pen = Pen::writes;
    loop.run_one();
    REQUIRE(records().size() == 3);
    CHECK(records()[2].detail.view() == records()[0].detail.view());
    CHECK(records()[2].number == 1);
}

TEST_CASE_METHOD(MeteringTest, "metering: given one of the warm pool, when it becomes its caller's, then what it used before is charged to nobody",
    "[control][AU-1][SX-6]")
{
    session.caller_name.clear();
    session.chat.clear();
    metering.begin(session);
    used(600, 700);
    session.caller_name = "dev";
    session.chat = "chat-1";
    metering.belongs_to(session);
    metering.ended(kSession);
    used(650, 800, Telling::last);
    all_last();
    REQUIRE(records().size() == 2);
    CHECK(word_of(records()[0], "part") == "pool");
    CHECK(records()[0].actor.view().empty());
    CHECK(number_of(records()[0], "cpu_us") == 600);
    CHECK(records()[1].actor.view() == "dev");
    CHECK(number_of(records()[1], "cpu_us") == 50);
}

TEST_CASE_METHOD(ControlTest, "control: given a session with calls, when it ends, however that is, then one record says what it used",
    "[control][AU-1][CT-1]")
{
    SessionId const session = bring_up(1);
    want(2);
    gateway_in.send(proto::SessionWanted{RequestId{3}, CallerId{1}, "dev", "default", "trace", true});  // a look: no call
    gateway_in.send(proto::CallDenied{CallerId{1}, "default"});
    gateway_in.send(proto::CallDenied{CallerId{1}, "elsewhere"});
    gateway_in.send(proto::CallDenied{CallerId{2}, "default"});
    loop.settle();
    sandbox_obeys = false;
    last_words(session, 123, 456, {7, 8}, {9, 10});
    SECTION("its guest goes away") { sandbox_in.send(proto::SessionDead{session}); }
    SECTION("it is lost at once") { sandbox_in.send(proto::SessionDown{session, proto::Reason::session_failed}); }
    SECTION("it is killed")
    {
        connect_front();
        front.send(proto::OperatorAsk{connection, RequestId{1}, proto::OperatorAction::kill, session, "trace", {}});
        loop.settle();
        CHECK(metered(recorder.events).empty());
        sandbox_in.send(proto::SessionDead{session});
        sandbox_in.send(proto::SessionDown{session, proto::Reason::session_killed});
    }
    SECTION("the machine stops")
    {
        core_in.send(proto::StopRole{});
        sandbox_in.send(proto::SessionDead{session});
        sandbox_in.send(proto::SessionDown{session, proto::Reason::none});
    }
    loop.settle();
    auto const records = metered(recorder.events);
    REQUIRE(records.size() == 1);
    auto const& record = records.front();
    CHECK(record.session == session);
    CHECK(record.actor.view() == "dev");
    CHECK(record.detail.view() ==
          "part=end cpu_us=123 memory_kib_s=456 mount_read=8 mount_written=7 egress_up=9 egress_down=10 calls=2 denied=1 unread=- chat=default");
}

TEST_CASE_METHOD(ControlTest, "control: given numbers that are told late, when the role stops, then the last records are written before it says so",
    "[control][AU-1][CT-1]")
{
    SessionId const session = bring_up();
    neighbours_count = false;
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(recorder.count(What::session_destroy) == 1);
    CHECK(stops == 0);
    last_words(session, 5);
    loop.settle();
    CHECK(stops == 1);
    REQUIRE(metered(recorder.events).size() == 1);
    CHECK(word_of(metered(recorder.events).front(), "unread") == "-");
    CHECK(number_of(metered(recorder.events).front(), "cpu_us") == 5);
}

TEST_CASE_METHOD(ControlTest, "control: given audit that fails, when a session ends, then its end waits for no record of what it used",
    "[control][AU-1][T-17]")
{
    SessionId const session = bring_up();
    recorder.pen = Pen::silent;
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(stops == 1);
    CHECK(metered(recorder.events).size() == 1);
    CHECK(recorder.count(What::session_destroy) == 1);
    CHECK(metered(recorder.events).front().session == session);
}

}  // namespace test_metering
