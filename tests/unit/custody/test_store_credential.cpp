// SPDX-License-Identifier: GPL-3.0-or-later
// Units: the store's credential among the others, how it is handed over, and the thread that has it handed.

#include <catch2/catch_test_macros.hpp>

#include "base/sealed_face.h"
#include "custody/credentials.h"
#include "custody/vault.h"
#include "helper/handed_secret.h"
#include "support/custody_stand.h"

namespace test_store_credential {

using namespace ocu;
using namespace ocu::custody;
using std::chrono::milliseconds;

struct StoreKeyTest {
    wire::Text<sealed::kTextBytesMax> seal(std::string_view text) const
    {
        return *sealed::seal_to_appliance(keys.appliance_public, crypto::as_bytes(text));
    }
    Keys keys = *make_keys();
    proto::CustodyConfig config;
    Credentials credentials;
};

TEST_CASE_METHOD(StoreKeyTest, "credentials: given the store's, when opened, then it is there for that, and can be lent to nobody",
    "[custody][T-31][T-12]")
{
    config.credentials.push({"store", seal("AKID:secret/+=")});
    config.credentials.push({"lent", seal("AKID:secret/+=")});
    config.store_credential = "store";
    CHECK_FALSE(credentials.open(config, keys.appliance_seed));
    CHECK(credentials.store_credential().bytes().size() == 14);
    CHECK(credentials.find("store") == nullptr);
    CHECK(credentials.find_identity("store") == nullptr);
    CHECK(credentials.notice_key().empty());
    CHECK(credentials.find("lent") != nullptr);
}

TEST_CASE_METHOD(
    StoreKeyTest, "credentials: given one for the store that is none, when opened, then it is refused as that", "[custody][T-31][AP-2]")
{
    for (std::string const& text : {std::string("AKID"), std::string(":secret"), std::string("AKID:"), std::string("AK ID:secret"),
             std::string("AKID:secret\n"), std::string("AKID:") + std::string(helper::kHandedSecretBytesMax, 'x')}) {
        INFO(text);
        proto::CustodyConfig each;
        each.credentials.push({"store", seal(text)});
        each.store_credential = "store";
        Credentials opened;
        auto const fault = opened.open(each, keys.appliance_seed);
        REQUIRE(fault);
        CHECK(fault->why == crypto::IdentityFault::store_credential_malformed);
        CHECK(opened.store_credential().empty());
    }
}

TEST_CASE("handed_secret: given a secret, when it is sent, then the receiver has exactly it, and its end is closed", "[helper][T-12][T-31]")
{
    auto pair = make_socket_pair().value();
    auto receiver = helper::SecretReceiver::make(std::move(pair.theirs)).value();
    REQUIRE(helper::send_secret(pair.ours.get(), Secret::copy_of(crypto::as_bytes("AKID:secret")).value()));
    auto const got = receiver.receive(milliseconds(0));
    REQUIRE(got);
    CHECK(std::ranges::equal(got->bytes(), crypto::as_bytes("AKID:secret")));
    CHECK(helper::send_secret(pair.ours.get(), Secret::copy_of(crypto::as_bytes("x")).value()).error().fault == Fault::unavailable);
}

TEST_CASE("handed_secret: given nothing, too much or half, when it is received, then an error and no secret", "[helper][T-31]")
{
    auto pair = make_socket_pair().value();
    auto receiver = helper::SecretReceiver::make(std::move(pair.theirs)).value();
    auto const send = [&](std::vector<unsigned char> const& bytes) {
        REQUIRE(::send(pair.ours.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    };
    SECTION("it does not come") { CHECK(receiver.receive(milliseconds(1)).error().fault == Fault::unavailable); }
    SECTION("closed")
    {
        pair.ours.reset();
        CHECK(receiver.receive(milliseconds(1)).error().fault == Fault::unavailable);
    }
    SECTION("closed in the middle")
    {
        send({5, 0, 0, 0, 'a'});
        pair.ours.reset();
        CHECK(receiver.receive(milliseconds(1)).error().fault == Fault::unavailable);
    }
    SECTION("none")
    {
        send({0, 0, 0, 0});
        CHECK(receiver.receive(milliseconds(1)).error().fault == Fault::malformed);
    }
    SECTION("too long")
    {
        send({1, 4, 0, 0});
        CHECK(receiver.receive(milliseconds(1)).error().fault == Fault::malformed);
    }
    CHECK(helper::send_secret(pair.ours.get(), Secret()).error().fault == Fault::over_limit);
}

using test_custody_thread::CustodyTest;

struct HandTest : CustodyTest {
    UniqueFd want()
    {
        auto pair = make_socket_pair().value();
        storage_in.send(proto::StoreCredentialWanted{std::move(pair.theirs), SessionId{5}});
        loop.settle();
        return std::move(pair.ours);
    }
};

TEST_CASE_METHOD(HandTest,
    "custody: given a broker that starts, when the store's credential is wanted, then the helper has its end and it is on record",
    "[custody][T-31][T-12]")
{
    helper_up();
    auto const end = want();
    std::vector<UniqueFd> descriptors;
    (void)peer.take<proto::HandStoreCredential>(&descriptors);
    REQUIRE(descriptors.size() == 1);
    CHECK_FALSE(closed(end));
    auto const& event = recorder.events.back();
    CHECK(event.what == proto::What::key_use);
    CHECK(event.resource.view() == "store credential");
    CHECK(event.session == SessionId{5});
    CHECK(event.outcome == proto::Outcome::success);
}

TEST_CASE_METHOD(HandTest, "custody: given a segment for the cold tier, when its credential is wanted, then that one is handed over and it is on record",
    "[custody][T-43][T-12]")
{
    helper_up();
    auto pair = make_socket_pair().value();
    audit_in.send(proto::ColdCredentialWanted{std::move(pair.theirs)});
    loop.settle();
    std::vector<UniqueFd> descriptors;
    CHECK(peer.take<proto::HandStoreCredential>(&descriptors).cold);
    CHECK(descriptors.size() == 1);
    auto const& event = recorder.events.back();
    CHECK(event.what == proto::What::key_use);
    CHECK(event.resource.view() == "cold tier credential");
    CHECK(event.actor.view() == "audit");
    (void)want();
    CHECK_FALSE(peer.take<proto::HandStoreCredential>(&descriptors).cold);
}

TEST_CASE_METHOD(HandTest,
    "custody: given no helper, when the store's credential is wanted, then its end is closed and the reason on record",
    "[custody][T-31][EG-12]")
{
    auto const end = want();
    CHECK(closed(end));
    auto const& event = recorder.events.back();
    CHECK(event.outcome == proto::Outcome::failure);
    CHECK(event.reason == proto::Reason::credential_unavailable);
}

}  // namespace test_store_credential
