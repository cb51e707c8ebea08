// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread: what a session may redeem, from the asking to the end.

#include <catch2/generators/catch_generators.hpp>

#include "custody/limits.h"
#include "support/custody_stand.h"

namespace test_custody_thread {

struct LendingTest : CustodyTest {
    void want(std::uint64_t request = 1, std::uint64_t session = 5, std::string destination = "api.example.com")
    {
        edge_in.send(proto::LeaseWanted{RequestId{request}, SessionId{session}, "api", "api-key", wire::Text<253>(std::move(destination))});
        loop.settle();
    }
    proto::GrantLease granted() { return peer.take<proto::GrantLease>(); }
    void hold(proto::GrantLease const& grant)
    {
        peer.send(proto::LeaseHeld{grant.lease});
        loop.settle();
    }
    proto::GrantLease lend(std::uint64_t request = 1, std::uint64_t session = 5, std::string destination = "api.example.com")
    {
        want(request, session, std::move(destination));
        auto grant = granted();
        hold(grant);
        return grant;
    }
    proto::LeasesTold list()
    {
        control_in.send(proto::LeasesWanted{RequestId{77}});
        loop.settle();
        REQUIRE_FALSE(listed.empty());
        CHECK(listed.back().request == RequestId{77});
        return listed.back();
    }
};

TEST_CASE_METHOD(LendingTest, "lending: given a lease is wanted, when its record is on disk, then the helper gets it, and then the edge",
    "[custody][CU-2][T-12]")
{
    helper_up();
    recorder.held = true;
    want(9);
    CHECK(recorder.count(proto::What::lease_granted) == 1);
    CHECK(peer.has_nothing());  // invariant 7
    CHECK(leases.empty());
    recorder.waiting.front()(EventNumber{1});
    auto const grant = granted();
    CHECK(grant.session == SessionId{5});
    CHECK(grant.rule.view() == "api");
    CHECK(grant.credential.view() == "api-key");
    CHECK(grant.ends == (clock.now() + std::chrono::minutes(15)).time_since_epoch());
    loop.settle();
    CHECK(leases.empty());
    hold(grant);
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::none);
    CHECK(leases[0].request == RequestId{9});
    CHECK(leases[0].lease == grant.lease);
    CHECK(leases[0].life == std::chrono::minutes(15));
    auto const& event = recorder.events[0];
    CHECK(event.session == SessionId{5});
    CHECK(event.resource.view() == "api.example.com");
    CHECK(event.detail.view() == "credential=api-key rule=api");
    CHECK(event.number == 900);
}

TEST_CASE_METHOD(LendingTest,
    "lending: given the record cannot be written, when a lease is wanted, then none, and the helper hears nothing", "[custody][CU-2][T-10]")
{
    helper_up();
    recorder.broken = true;
    want();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::audit_unavailable);
    CHECK(leases[0].lease == 0);
    CHECK(peer.has_nothing());
    CHECK(list().leases.items().empty());
}

TEST_CASE_METHOD(LendingTest, "lending: given no helper, or one that goes, when a lease is wanted, then none", "[custody][EG-12][CU-2]")
{
    want(1);
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::credential_unavailable);
    CHECK(recorder.count(proto::What::lease_refused) == 1);
    helper_up();
    want(2);
    (void)granted();
    core_in.send(proto::HelperDown{helper::Kind::custody});
    loop.settle();
    REQUIRE(leases.size() == 2);
    CHECK(leases[1].request == RequestId{2});
    CHECK(leases[1].reason == proto::Reason::credential_unavailable);
    CHECK(list().leases.items().empty());
}

TEST_CASE_METHOD(LendingTest,
    "lending: given a session that is severed or over, when it is, then revoked at once, on record, and no more for it",
    "[custody][CU-2][T-13]")
{
    helper_up();
    (void)lend();
    (void)lend(2, 6);
    bool const by_control = GENERATE(true, false);
    if (by_control)
        control_in.send(proto::SessionSever{SessionId{5}});
    else
        edge_in.send(proto::EdgeSessionOver{SessionId{5}});
    loop.settle();
    CHECK(peer.take<proto::RevokeSession>().session == SessionId{5});
    REQUIRE(recorder.count(proto::What::lease_revoked) == 1);
    CHECK(recorder.events.back().number == 1);
    CHECK(list().leases.items().size() == 1);
    want(3);
    REQUIRE(leases.size() == 3);
    CHECK(leases[2].reason == proto::Reason::session_denied);
    auto pair = make_socket_pair().value();
    edge_in.send(proto::EdgeChannel{SessionId{5}, std::move(pair.theirs)});
    loop.settle();
    CHECK(closed(pair.ours));
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(LendingTest, "lending: given a session severed while its lease is being written or given, when that is done, then denied",
    "[custody][CU-2][T-13]")
{
    helper_up();
    bool const written = GENERATE(true, false);
    recorder.held = !written;
    want();
    std::optional<proto::GrantLease> grant;
    if (written) grant = granted();
    control_in.send(proto::SessionSever{SessionId{5}});
    loop.settle();
    (void)peer.take<proto::RevokeSession>();
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].reason == proto::Reason::session_denied);
    if (grant) hold(*grant);
    for (auto const& done : recorder.waiting) done(EventNumber{1});
    loop.settle();
    CHECK(peer.has_nothing());
    CHECK(leases.size() == 1);
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(LendingTest,
    "lending: given as many leases as a session may have, when one more is wanted, then refused; another session has its own",
    "[custody][CU-2][T-06]")
{
    helper_up();
    for (std::uint64_t i = 1; i <= custody::kLeasesPerSessionMax; ++i) (void)lend(i, 5, "host" + std::to_string(i) + ".example");
    want(100);
    CHECK(leases.back().reason == proto::Reason::credential_unavailable);
    (void)lend(101, 6);
    CHECK(leases.back().reason == proto::Reason::none);
    clock.advance(std::chrono::minutes(15));
    CHECK(list().leases.items().empty());
    (void)lend(102);
    CHECK(leases.back().reason == proto::Reason::none);
}

TEST_CASE_METHOD(LendingTest,
    "lending: given a lease that has a while to go, when one like it is wanted, then it is that one, with one record; else a new one",
    "[custody][CU-2]")
{
    helper_up();
    want(1);
    auto const grant = granted();
    want(2);  // before the helper has it
    CHECK(peer.has_nothing());
    CHECK(leases.empty());
    hold(grant);
    want(3);
    REQUIRE(leases.size() == 3);
    for (std::uint64_t i = 0; i < 3; ++i) {
        CHECK(leases[i].request == RequestId{i + 1});
        CHECK(leases[i].reason == proto::Reason::none);
        CHECK(leases[i].lease == grant.lease);
    }
    CHECK(recorder.count(proto::What::lease_granted) == 1);
    CHECK(peer.has_nothing());
    SECTION("another session's") { CHECK(lend(4, 6).lease != grant.lease); }
    SECTION("for another destination") { CHECK(lend(4, 5, "other.example").lease != grant.lease); }
    SECTION("one that is about to end is not given again")
    {
        clock.advance(std::chrono::minutes(14) + std::chrono::seconds(1));
        CHECK(lend(4).lease != grant.lease);
    }
    CHECK(recorder.count(proto::What::lease_granted) == 2);
}

TEST_CASE_METHOD(LendingTest,
    "lending: given refusals without end, when they are recorded, then a bounded number a minute and the rest counted", "[custody][T-06]")
{
    for (std::size_t i = 0; i < custody::kRefusalsPerMinuteMax + 10; ++i) want(i);
    CHECK(recorder.count(proto::What::lease_refused) == custody::kRefusalsPerMinuteMax);
    clock.advance(std::chrono::minutes(1));
    want();
    CHECK(recorder.events.back().number == 10);
}

TEST_CASE_METHOD(
    LendingTest, "lending: given leases, when they are listed, then session, credential, destination and the time left", "[custody][CU-2]")
{
    helper_up();
    (void)lend();
    clock.advance(std::chrono::milliseconds(60'500));
    auto const told = list().leases.items();
    REQUIRE(told.size() == 1);
    CHECK(told[0].session == SessionId{5});
    CHECK(told[0].credential.view() == "api-key");
    CHECK(told[0].destination.view() == "api.example.com");
    CHECK(told[0].left == std::chrono::seconds(840));
}

TEST_CASE_METHOD(
    LendingTest, "lending: given a channel, when it is opened, then its end goes to the helper; without one it closes", "[custody][EG-12]")
{
    auto pair = make_socket_pair().value();
    edge_in.send(proto::EdgeChannel{SessionId{5}, std::move(pair.theirs)});
    loop.settle();
    CHECK(closed(pair.ours));
    helper_up();
    auto other = make_socket_pair().value();
    edge_in.send(proto::EdgeChannel{SessionId{5}, std::move(other.theirs)});
    loop.settle();
    std::vector<UniqueFd> descriptors;
    CHECK(peer.take<proto::OpenEdgeChannel>(&descriptors).session == SessionId{5});
    CHECK(descriptors.size() == 1);
}

TEST_CASE_METHOD(
    LendingTest, "lending: given a helper, when it is up, then the edge is told, each time, whether anything is bumped or not", "[custody][EG-12]")
{
    helper_up();
    CHECK(times_up == 1);
    auto report = report_of();
    report.bump_ca = "PEM";
    helper_up(wire::encode(report));
    CHECK(times_up == 2);
}

TEST_CASE_METHOD(LendingTest, "lending: given a lease that was answered, when it is answered again, then a violation", "[custody][T-14]")
{
    helper_up();
    hold(lend());
    CHECK(spawner.violations == std::vector{helper::Kind::custody});
}

TEST_CASE_METHOD(
    LendingTest, "custody: given scoped tokens with a session's token, when it is minted, then control gets them", "[custody][EG-7]")
{
    helper_up();
    control_in.send(proto::TokenWanted{RequestId{7}, SessionId{3}, "c", std::chrono::seconds(1)});
    loop.settle();
    proto::MintedToken minted{peer.take<proto::MintToken>().request, true, "token", {}};
    minted.scoped.push({"API_TOKEN", "ocu-scoped-x"});
    peer.send(minted);
    loop.settle();
    REQUIRE(tokens.size() == 1);
    REQUIRE(tokens[0].scoped.items().size() == 1);
    CHECK(tokens[0].scoped.items()[0].name.view() == "API_TOKEN");
}

}  // namespace test_custody_thread
