// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread: reports, tokens, signatures, identities for fronts.

#include "support/custody_stand.h"

namespace test_custody_thread {

TEST_CASE_METHOD(
    CustodyTest, "custody: given no helper, when asked, then answered with no at once, and the token is on record", "[custody][T-12]")
{
    audit_in.send(proto::SignatureWanted{RequestId{1}, "note"});
    control_in.send(proto::TokenWanted{RequestId{2}, SessionId{3}, "c", std::chrono::seconds(1)});
    loop.settle();
    REQUIRE(signatures.size() == 1);
    CHECK_FALSE(signatures[0].good);
    CHECK(signatures[0].request == RequestId{1});
    REQUIRE(tokens.size() == 1);
    CHECK_FALSE(tokens[0].good);
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == proto::What::key_use);
    CHECK(recorder.events[0].outcome == proto::Outcome::failure);
    CHECK(recorder.events[0].session == SessionId{3});
}

TEST_CASE_METHOD(CustodyTest, "custody: given the helper comes up, when its report arrives, then audit gets the public keys", "[custody]")
{
    helper_up();
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].checkpoint_public[0] == 1);
    CHECK(keys[0].token_public[0] == 2);
}

TEST_CASE_METHOD(
    CustodyTest, "custody: given a report that does not decode, when it arrives, then a violation and no keys", "[custody][T-14]")
{
    helper_up(wire::Bytes(3));
    CHECK(keys.empty());
    CHECK(spawner.violations == std::vector{helper::Kind::custody});
}

TEST_CASE_METHOD(
    CustodyTest, "custody: given two askers with one number, when the helper answers both, then each gets its own", "[custody]")
{
    helper_up();
    audit_in.send(proto::SignatureWanted{RequestId{7}, "note"});
    control_in.send(proto::TokenWanted{RequestId{7}, SessionId{3}, "c", std::chrono::seconds(1)});
    loop.settle();
    auto const sign = peer.take<proto::SignCheckpoint>();
    auto const mint = peer.take<proto::MintToken>();
    CHECK(sign.note.view() == "note");
    CHECK(mint.container.view() == "c");
    CHECK(sign.request != mint.request);
    peer.send(proto::MintedToken{mint.request, true, "token", {}});
    peer.send(proto::CheckpointSigned{sign.request, true, {9}});
    loop.settle();
    REQUIRE(tokens.size() == 1);
    CHECK(tokens[0].request == RequestId{7});
    CHECK(tokens[0].token.view() == "token");
    REQUIRE(signatures.size() == 1);
    CHECK(signatures[0].request == RequestId{7});
    CHECK(signatures[0].signature[0] == 9);
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].outcome == proto::Outcome::success);
}

TEST_CASE_METHOD(
    CustodyTest, "custody: given a question under way, when the helper goes down, then it is answered with no", "[custody][T-14]")
{
    helper_up();
    audit_in.send(proto::SignatureWanted{RequestId{7}, "note"});
    loop.settle();
    core_in.send(proto::HelperDown{helper::Kind::custody});
    loop.settle();
    REQUIRE(signatures.size() == 1);
    CHECK_FALSE(signatures[0].good);
}

TEST_CASE_METHOD(CustodyTest, "custody: given an answer to no question, when it arrives, then a violation", "[custody][T-14]")
{
    helper_up();
    peer.send(proto::CheckpointSigned{RequestId{99}, true, {}});
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::custody});
}

TEST_CASE_METHOD(CustodyTest, "custody: given a token question, when a signature answers it, then a violation and the asker is told no",
    "[custody][T-14]")
{
    helper_up();
    control_in.send(proto::TokenWanted{RequestId{7}, SessionId{3}, "c", std::chrono::seconds(1)});
    loop.settle();
    peer.send(proto::CheckpointSigned{peer.take<proto::MintToken>().request, true, {}});
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::custody});
    CHECK(signatures.empty());
    REQUIRE(tokens.size() == 1);
    CHECK_FALSE(tokens[0].good);
}

TEST_CASE_METHOD(
    CustodyTest, "custody: given it is told to stop, when questions wait, then they are answered with no and it says so", "[custody]")
{
    helper_up();
    audit_in.send(proto::SignatureWanted{RequestId{7}, "note"});
    loop.settle();
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(stopped);
    REQUIRE(signatures.size() == 1);
    CHECK_FALSE(signatures[0].good);
}

TEST_CASE_METHOD(CustodyTest, "custody: given an identity, when a front starts, then the helper gets its socket, and it is on record",
    "[custody][T-12][GW-1]")
{
    auto const made = certificate();
    helper_up_with(made.pem);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0] == *crypto::certificate_fingerprint(made.pem));
    auto const end = want_identity();
    (void)peer.take<proto::HandIdentity>();
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == proto::What::key_use);
    CHECK(recorder.events[0].outcome == proto::Outcome::success);
    CHECK(recorder.events[0].detail.view() == "gateway-front");
}

TEST_CASE_METHOD(CustodyTest, "custody: given no identity or no helper, when a front starts, then its socket closes, and that is on record",
    "[custody][T-12]")
{
    CHECK(closed(want_identity()));
    helper_up();
    CHECK(shown.empty());
    CHECK(closed(want_identity()));
    core_in.send(proto::HelperDown{helper::Kind::custody});
    CHECK(closed(want_identity()));
    REQUIRE(recorder.events.size() == 3);
    for (auto const& each : recorder.events) CHECK(each.outcome == proto::Outcome::failure);
}

TEST_CASE_METHOD(CustodyTest,
    "custody: given a notice, when the edge wants it signed, then the helper does it, and the answer is the edge's alone",
    "[custody][EG-10][T-12]")
{
    edge_in.send(proto::NoticeSignWanted{RequestId{4}, 1, "{}"});
    loop.settle();
    REQUIRE(notices.size() == 1);
    CHECK_FALSE(notices[0].good);
    helper_up();
    edge_in.send(proto::NoticeSignWanted{RequestId{5}, 1'790'000'000, "{}"});
    loop.settle();
    auto const asked = peer.take<proto::SignNotice>();
    CHECK(asked.time_s == 1'790'000'000);
    CHECK(asked.body.view() == "{}");
    peer.send(proto::NoticeMac{asked.request, true, {9}});
    loop.settle();
    REQUIRE(notices.size() == 2);
    CHECK(notices[1].request == RequestId{5});
    CHECK(notices[1].good);
    CHECK(notices[1].mac[0] == 9);
    CHECK(signatures.empty());
    peer.send(proto::NoticeMac{asked.request, true, {9}});
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::custody});
}

}  // namespace test_custody_thread
