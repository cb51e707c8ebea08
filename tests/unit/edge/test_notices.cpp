// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/notice_queue, notice_body, notices. Custody, uplink and notifier are the test; no time passes but what it says.

#include <catch2/generators/catch_generators.hpp>

#include "edge/notice_body.h"
#include "edge/notice_queue.h"
#include "edge/notices.h"
#include "support/edge_stand.h"

namespace test_notices {

using namespace ocu;
using namespace ocu::edge;
using namespace std::chrono_literals;
using test_edge_thread::EdgeTest;
using test_edge_thread::kSession;
using test_edge_thread::What;
using test_edge_thread::Wire;
using Came = NoticeQueue::Came;

Notice notice(std::uint64_t number, Monotonic made = {}) { return {std::to_string(number), number, kSession, "{}", made, 0}; }

struct Queued {
    Monotonic now{1h};
    std::uint64_t chance = 0;
    NoticeQueue queue{[this] { return chance; }};
};

TEST_CASE_METHOD(Queued, "notices: given several, when they are delivered, then in order, one at a time, at once", "[edge][EG-10]")
{
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK_FALSE(queue.add(notice(i, now)));
    for (std::uint64_t i = 1; i <= 3; ++i) {
        CHECK(queue.wait(now) == 0ms);
        auto const* const each = queue.begin(now);
        REQUIRE(each != nullptr);
        CHECK(each->number == i);
        CHECK(each->attempts == 1);
        CHECK(queue.begin(now) == nullptr);
        CHECK_FALSE(queue.wait(now));
        CHECK(queue.settle(Came::to_delivery, now)->number == i);
    }
    CHECK_FALSE(queue.wait(now));
}

TEST_CASE_METHOD(Queued,
    "notices: given nobody there, when tried again, then after pauses that double up to five minutes, with chance in them", "[edge][EG-10]")
{
    (void)queue.add(notice(1, now));
    auto whole = 1000ms;
    for (int i = 0; i < 12; ++i) {
        REQUIRE(queue.begin(now) != nullptr);
        chance = i % 2 == 0 ? 0 : static_cast<std::uint64_t>(whole.count() / 2);
        CHECK_FALSE(queue.settle(Came::to_nothing, now));
        CHECK(queue.wait(now) == (i % 2 == 0 ? whole / 2 : whole));
        CHECK(queue.begin(now + *queue.wait(now) - 1ms) == nullptr);
        now += *queue.wait(now);
        whole = std::min<std::chrono::milliseconds>(whole * 2, 300'000ms);
    }
    REQUIRE(queue.begin(now) != nullptr);
    CHECK(queue.settle(Came::to_delivery, now)->attempts == 13);
    // Who is there again is so for the next one too.
    (void)queue.add(notice(2, now));
    REQUIRE(queue.begin(now) != nullptr);
    chance = 0;
    (void)queue.settle(Came::to_nothing, now);
    CHECK(queue.wait(now) == 500ms);
}

TEST_CASE_METHOD(Queued, "notices: given one that is refused or a day old, when settled, then it is done with", "[edge][EG-10]")
{
    (void)queue.add(notice(1, now));
    (void)queue.add(notice(2, now));
    (void)queue.begin(now);
    CHECK(queue.settle(Came::to_refusal, now)->number == 1);
    (void)queue.begin(now);
    CHECK_FALSE(queue.settle(Came::to_nothing, now + 24h - 1ms));
    REQUIRE(queue.begin(now + 25h) != nullptr);
    CHECK(queue.settle(Came::to_nothing, now + 25h)->number == 2);
    CHECK(queue.size() == 0);
}

TEST_CASE_METHOD(Queued, "notices: given more than fit, when added, then the oldest goes, but not the one that is being delivered",
    "[edge][EG-10][T-06]")
{
    for (std::uint64_t i = 1; i <= kNoticesMax; ++i) CHECK_FALSE(queue.add(notice(i, now)));
    CHECK(queue.add(notice(100, now))->number == 1);
    CHECK(queue.begin(now)->number == 2);
    CHECK(queue.add(notice(101, now))->number == 3);
    CHECK(queue.size() == kNoticesMax);
    CHECK(queue.settle(Came::to_delivery, now)->number == 2);
}

TripNotice sample()
{
    return {"00112233445566778899aabbccddeeff", 3, EventNumber{41}, WallTime{1'790'000'000'123ms}, "machine \"one\"", SessionId{0xabc},
        Tripped::destinations, 4, 3, true, "api", "one.example:443"};
}

TEST_CASE("notice: given a tripwire, when it is written, then exactly the documented bytes", "[edge][EG-10]")
{
    CHECK(
        notice_body(sample()) ==
        R"({"schema":"ocu-webhook/1","id":"00112233445566778899aabbccddeeff","number":3,"record":41,"time":1790000000123,)"
        R"("appliance":"machine \"one\"","event":"tripwire","session":"0000000000000abc","limit":"destinations","measured":4,"threshold":3,)"
        R"("action":"kill","rule":"api","destination":"one.example:443"})");
    auto large = sample();
    large.destination = std::string(proto::kNoticeBytesMax, 'x');
    auto const body = notice_body(large);
    CHECK(body.size() <= proto::kNoticeBytesMax);
    CHECK_FALSE(body.contains("destination\""));
    CHECK(notice_signature(1'790'000'000, std::vector<std::uint8_t>{0x01, 0xff}) == "t=1790000000,v1=01ff");
}

struct Receiver {
    Wire receiver;
};

struct Told : Receiver, EdgeTest {
    explicit Told(bool kill = false)
        : EdgeTest([this, kill](edge::Config& c) {
              c.tripwire.destinations = 1;
              c.tripwire.kill = kill;
              Webhook hook;
              hook.host = "127.0.0.1";
              hook.numeric = true;
              hook.port = receiver.port;
              hook.ranges = {parse_range("127.0.0.1").value()};
              hook.appliance = "machine";
              hook.key = "hook";
              c.webhook = hook;
          })
    {
        served();
        notifier_up();
    }
    void notifier_up()
    {
        core_in.send(proto::HelperUp{helper::Kind::notifier, notifier.connect(), {}});
        loop.settle();
    }
    void trip()
    {
        say(asked(1));
        (void)uplink.take<proto::Dial>();
        say(asked(2, "two.example"));
        if (!config.tripwire.kill) (void)uplink.take<proto::Dial>();
    }
    proto::Dial dial_of_notice()
    {
        REQUIRE(heard.notices.size() == ++signatures);
        custody_in.send(proto::NoticeSigned{heard.notices.back().request, true, {7}});
        loop.settle();
        return uplink.take<proto::Dial>();
    }
    proto::PostNotice post(Wire& to)
    {
        auto const dial = dial_of_notice();
        int const lent = to.near.get();
        uplink.send_raw(
            static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{dial.request, "127.0.0.1"}), {&lent, 1});
        loop.settle();
        return notifier.take<proto::PostNotice>();
    }
    void answer(RequestId request, proto::PostEnding ending, std::uint16_t status = 0)
    {
        notifier.send(proto::NoticePosted{request, ending, status, {}});
        loop.settle();
    }
    // Time goes by, and something happens that makes the thread look again.
    void later(std::chrono::milliseconds by)
    {
        clock.advance(by);
        core_in.send(proto::HelperDown{helper::Kind::uplink});
        loop.settle();
        core_in.send(proto::HelperUp{helper::Kind::uplink, uplink.connect(), {}});
        loop.settle();
    }

    test::HelperPeer notifier;
    std::size_t signatures = 0;
};

TEST_CASE_METHOD(Told,
    "webhook: given a tripwire, when it is reached, then on record first, signed, dialled where declared, posted, and on record as "
    "delivered",
    "[edge][EG-10][AU-1]")
{
    trip();
    auto const tripwire = recorder.of(What::tripwire);
    REQUIRE(tripwire.size() == 1);
    REQUIRE(heard.notices.size() == 1);
    CHECK(heard.notices[0].time_s == std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count());
    auto const posted = post(receiver);
    CHECK(posted.signature.view().starts_with("t=1790000000,v1=0700"));
    CHECK(posted.body == heard.notices[0].body);
    CHECK(posted.body.view().contains(R"("destination":"two.example:)"));
    CHECK(posted.body.view().contains(
        R"("session":"0000000000000005","limit":"destinations","measured":2,"threshold":1,"action":"report","rule":"two")"));
    CHECK(posted.body.view().contains(posted.id.view()));
    CHECK(webhook.health == proto::WebhookHealth::untried);
    CHECK(webhook.waiting == 1);
    answer(posted.request, proto::PostEnding::answered, 204);
    auto const delivered = recorder.of(What::notice_delivered);
    REQUIRE(delivered.size() == 1);
    CHECK(delivered[0].session == kSession);
    CHECK(delivered[0].number == 204);
    CHECK(webhook.health == proto::WebhookHealth::delivering);
    CHECK(webhook.waiting == 0);
}

TEST_CASE_METHOD(Told, "webhook: given a tripwire that cannot be recorded, when it is reached, then nobody is told", "[edge][EG-10][T-10]")
{
    say(asked(1));
    recorder.broken = true;
    say(asked(2, "two.example"));
    CHECK(recorder.of(What::tripwire).size() == 1);
    CHECK(heard.notices.empty());
}

TEST_CASE_METHOD(Told,
    "webhook: given a receiver that cannot now, when asked again, then the same notice and id, signed anew, and told once as failing",
    "[edge][EG-10]")
{
    trip();
    auto const first = post(receiver);
    answer(first.request, proto::PostEnding::answered, 503);
    CHECK(webhook.health == proto::WebhookHealth::failing);
    CHECK(recorder.of(What::notice_failed).size() == 1);
    later(300s);
    for (int i = 0; i < 2; ++i) {
        auto const dial = dial_of_notice();
        uplink.send(proto::DialFailed{dial.request, proto::DialFailure::unreachable, {}});
        loop.settle();
        later(300s);
    }
    CHECK(recorder.of(What::notice_failed).size() == 1);
    auto const dial = dial_of_notice();
    CHECK(dial.address.view() == "127.0.0.1");
    CHECK(dial.direct);
    CHECK(dial.ranges.items() == std::vector{parse_range("127.0.0.1").value()});
    CHECK(heard.notices.back().body == first.body);
    CHECK(heard.notices.back().time_s > heard.notices.front().time_s);
}

TEST_CASE_METHOD(Told, "webhook: given an answer that says no, or a redirect, when it comes, then given up, on record, and not asked again",
    "[edge][EG-10]")
{
    auto const status = GENERATE(std::uint16_t{400}, std::uint16_t{410}, std::uint16_t{302});
    trip();
    answer(post(receiver).request, proto::PostEnding::answered, status);
    auto const given_up = recorder.of(What::notice_given_up);
    REQUIRE(given_up.size() == 1);
    CHECK(given_up[0].number == status);
    CHECK(webhook.lost == 1);
    later(300s);
    CHECK(heard.notices.size() == 1);
}

TEST_CASE_METHOD(Told, "webhook: given a connection that leads elsewhere, when it comes, then nothing is posted on it",
    "[edge][EG-10][T-05][T-14][T-27]")
{
    trip();
    auto const dial = dial_of_notice();
    Wire other;  // another port
    int const lent = other.near.get();
    uplink.send_raw(static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{dial.request, "127.0.0.1"}), {&lent, 1});
    loop.settle();
    CHECK(notifier.has_nothing());
    CHECK(webhook.health == proto::WebhookHealth::failing);
}

TEST_CASE_METHOD(Told,
    "webhook: given a notifier that dies with a notice, when another is up, then the notice is posted again, with its id",
    "[edge][EG-10][T-14][T-27]")
{
    trip();
    auto const first = post(receiver);
    core_in.send(proto::HelperDown{helper::Kind::notifier});
    loop.settle();
    CHECK(webhook.health == proto::WebhookHealth::failing);
    notifier_up();
    (void)dial_of_notice();
    CHECK(heard.notices.back().body == first.body);
}

TEST_CASE_METHOD(Told, "webhook: given a notifier that answers what was not asked, when heard, then a violation", "[edge][T-14][T-27]")
{
    answer(RequestId{77}, proto::PostEnding::answered, 200);
    CHECK(spawner.violations == std::vector{helper::Kind::notifier});
}

TEST_CASE_METHOD(Told, "webhook: given custody that does not sign, when it says so, then nothing is dialled", "[edge][EG-10][T-12]")
{
    trip();
    custody_in.send(proto::NoticeSigned{heard.notices[0].request, false, {}});
    loop.settle();
    CHECK(uplink.has_nothing());
    CHECK(webhook.health == proto::WebhookHealth::failing);
}

struct ToldAndEnded : Told {
    ToldAndEnded() : Told(true) {}
};

TEST_CASE_METHOD(ToldAndEnded, "webhook: given a tripwire that ends, when nobody answers for it, then the session is ended all the same",
    "[edge][EG-10][T-17]")
{
    trip();
    CHECK(heard.notices.size() == 1);  // and no answer comes
    say(asked(3));
    bool ended = false;
    for (int i = 0; i < 3; ++i) ended = refused() == proto::Reason::rate_exceeded || ended;
    CHECK(ended);
}

}  // namespace test_notices
