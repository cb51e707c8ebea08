// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/retention_desk: what is looked for, when, and what of a writer's word is believed.

#include "audit/limits.h"
#include "audit/retention_desk.h"
#include "support/role_peer.h"

namespace test_retention_desk {

using namespace ocu;
using audit::RetentionDesk;
using proto::RetentionHold;

constexpr std::uint32_t kDays = 3000;
constexpr std::uint64_t kSize = 10'000;

struct DeskTest {
    DeskTest() { desk.writer_up(0); }
    // What its timer does.
    void next_look()
    {
        clock.advance(audit::kRetentionEvery);
        desk.look();
    }
    proto::RetentionFound some() const
    {
        return {looks.back().request, RetentionHold::nothing_due, 500, 3, clock.wall().time_since_epoch().count() - (kDays + 1) * proto::kDayMs};
    }
    std::string note_for(std::uint64_t event) const
    {
        auto const found = some();
        proto::RetentionTerms const terms{500, 3, event, kDays, found.newest_ms, looks.back().now_ms};
        return "box\n9001\nAAAA\n" + proto::format_terms(terms) + "chain core 1 AAAA\n";
    }
    std::size_t noted(proto::What what) const
    {
        return static_cast<std::size_t>(std::ranges::count(events, what, &proto::Event::what));
    }

    RetentionDesk::Calls calls()
    {
        return {[this](proto::RetentionLook look) { looks.push_back(look); }, [this](proto::RetentionGo go) { goes.push_back(go); },
            [this](proto::RetentionSigned answer) { answers.push_back(answer); }, [this](std::string note) { notes.push_back(std::move(note)); },
            [this](proto::Event event, proto::Recorder::Done done) {
                events.push_back(std::move(event));
                dones.push_back(std::move(done));
            },
            [this](proto::RetentionState state) { told.push_back(state); }, [this] { return checked; }, [this] { return copied; }, [this] { return cold; }};
    }

    wire::Loop loop;
    ManualClock clock;
    bool checked = true;
    std::uint64_t copied = 77;
    std::uint64_t cold = 4;
    std::vector<proto::RetentionLook> looks;
    std::vector<proto::RetentionGo> goes;
    std::vector<proto::RetentionSigned> answers;
    std::vector<std::string> notes;
    std::vector<proto::Event> events;
    std::vector<proto::Recorder::Done> dones;
    std::vector<proto::RetentionState> told;
    RetentionDesk desk{loop, clock, kDays, 0, calls()};
    RetentionDesk hot_desk{loop, clock, kDays, 90, calls()};
};

TEST_CASE_METHOD(DeskTest, "retention desk: given old records, when the writer finds them, then it is on record before anything is signed, and then they go",
    "[audit][AU-7][T-38]")
{
    next_look();
    REQUIRE(looks.size() == 1);
    CHECK(looks[0].days == kDays);
    CHECK(looks[0].copied == 77);
    CHECK(looks[0].cold == 4);
    CHECK(looks[0].hot_days == 0);
    CHECK(desk.found(some(), kSize));
    REQUIRE(noted(proto::What::audit_retention) == 1);
    CHECK(events[0].number == 500);
    CHECK(goes.empty());
    dones[0](EventNumber{9001});
    REQUIRE(goes.size() == 1);
    CHECK(goes[0].event == 9000);
    CHECK(desk.wanted({looks[0].request, note_for(9000)}));
    REQUIRE(notes.size() == 1);
    CHECK(answers.empty());
    desk.signed_now(true, {}, {});
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].good);
    CHECK(desk.done({looks[0].request, 3, 500}, kSize));
    CHECK(told.back() == proto::RetentionState{kDays, 500, RetentionHold::nothing_due});
}

TEST_CASE_METHOD(DeskTest, "retention desk: given a clock that nobody checks or that was set, when old records are found, then nothing goes and that is on record once",
    "[audit][AU-7][T-39]")
{
    SECTION("nobody checks it") { checked = false; }
    SECTION("it was set on by years")
    {
        next_look();
        CHECK(desk.found({looks.back().request, RetentionHold::nothing_due, 0, 0, 0}, kSize));
        clock.set_wall(clock.wall() + std::chrono::hours(24) * 365 * 8);
    }
    for (int i = 0; i < 3; ++i) {
        next_look();
        CHECK(desk.found(some(), kSize));
    }
    CHECK(noted(proto::What::audit_retention) == 0);
    CHECK(noted(proto::What::audit_retention_held) == 1);
    CHECK(events[0].detail.view() == "why=clock days=3000");
    CHECK(told.back().hold == RetentionHold::clock);
    CHECK(goes.empty());
    // An hour after it was set, with somebody who checks it, it is believed.
    checked = true;
    clock.advance(audit::kClockSettles);
    next_look();
    CHECK(desk.found(some(), kSize));
    CHECK(noted(proto::What::audit_retention) == 1);
}

TEST_CASE_METHOD(DeskTest, "retention desk: given hot days, when records that the cold tier has go, then the record and the signed text say so, and no other text is signed",
    "[audit][AU-7][T-44]")
{
    hot_desk.writer_up(0);
    hot_desk.look();
    REQUIRE(looks.size() == 1);
    CHECK(looks[0].hot_days == 90);
    auto found = some();
    found.newest_ms = looks[0].now_ms - 90 * proto::kDayMs;
    CHECK(hot_desk.found(found, kSize));
    REQUIRE(noted(proto::What::audit_retention) == 1);
    CHECK(events[0].detail.view().ends_with(" hot=90"));
    dones[0](EventNumber{9001});
    proto::RetentionTerms terms{500, 3, 9000, kDays, found.newest_ms, looks[0].now_ms, 90};
    auto const text = [](proto::RetentionTerms const& of) { return "box\n9001\nAAAA\n" + proto::format_terms(of) + "chain core 1 AAAA\n"; };
    terms.hot_days = 30;
    CHECK_FALSE(hot_desk.wanted({looks[0].request, text(terms)}));
    terms.hot_days = 90;
    CHECK(hot_desk.wanted({looks[0].request, text(terms)}));
    CHECK(notes.size() == 1);
    CHECK(told.back().hot_days == 90);
    // A millisecond younger, and the writer says what cannot be.
    hot_desk.writer_up(0);
    hot_desk.look();
    found.request = looks.back().request;
    found.newest_ms = looks.back().now_ms - 90 * proto::kDayMs + 1;
    CHECK_FALSE(hot_desk.found(found, kSize));
}

TEST_CASE_METHOD(DeskTest, "retention desk: given a sink that is behind, when looked at, then that is on record once a day", "[audit][AU-7]")
{
    for (int i = 0; i < 3; ++i) {
        next_look();
        CHECK(desk.found({looks.back().request, RetentionHold::sink, 0, 0, 0}, kSize));
    }
    CHECK(noted(proto::What::audit_retention_held) == 1);
    clock.advance(audit::kHeldNoteEvery);
    next_look();
    CHECK(desk.found({looks.back().request, RetentionHold::sink, 0, 0, 0}, kSize));
    CHECK(noted(proto::What::audit_retention_held) == 2);
}

TEST_CASE_METHOD(DeskTest, "retention desk: given a writer that says what cannot be, when heard, then it is not believed", "[audit][T-14][T-39]")
{
    CHECK_FALSE(desk.found({RequestId{1}, {}, 500, 3, 0}, kSize));  // unasked
    CHECK_FALSE(desk.wanted({RequestId{0}, std::string("text")}));
    next_look();
    auto found = some();
    SECTION("younger than the policy") { found.newest_ms = looks[0].now_ms - kDays * proto::kDayMs + 1; }
    SECTION("another question's answer") { ++found.request.value; }
    SECTION("more than there is") { found.removed = kSize; }
    SECTION("no segment") { found.segment = 0; }
    CHECK_FALSE(desk.found(found, kSize));
    CHECK(events.empty());
}

TEST_CASE_METHOD(DeskTest, "retention desk: given a text that is not of the terms that were asked for, when wanted, then it is not signed", "[audit][T-39]")
{
    next_look();
    REQUIRE(desk.found(some(), kSize));
    dones[0](EventNumber{9001});
    auto text = note_for(9000);
    SECTION("other records") { text.replace(text.find("removed 500"), 11, "removed 501"); }
    SECTION("another event") { text = note_for(9001); }
    SECTION("another policy") { text.replace(text.find("days 3000"), 9, "days 2557"); }
    SECTION("no terms") { text = "box\n9001\nAAAA\n"; }
    CHECK_FALSE(desk.wanted({looks[0].request, text}));
    CHECK(notes.empty());
}

TEST_CASE_METHOD(DeskTest, "retention desk: given custody that does not sign, when it is tried again, then it is not put on record anew", "[audit][AU-7]")
{
    for (int i = 0; i < 3; ++i) {
        next_look();
        auto found = some();
        found.newest_ms = 1000;
        REQUIRE(desk.found(found, kSize));
        if (i == 0) dones[0](EventNumber{9001});
        proto::RetentionTerms const terms{500, 3, 9000, kDays, 1000, looks.back().now_ms};
        REQUIRE(desk.wanted({looks.back().request, "box\n9001\nAAAA\n" + proto::format_terms(terms) + "chain core 1 AAAA\n"}));
        desk.signed_now(false, {}, {});
        CHECK_FALSE(answers.back().good);
    }
    CHECK(noted(proto::What::audit_retention) == 1);
    CHECK(noted(proto::What::audit_retention_held) == 1);
    CHECK(told.back().hold == RetentionHold::signature);
}

}  // namespace test_retention_desk
