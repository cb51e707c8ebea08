// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined, with a vault in a temporary file.

#include <catch2/catch_test_macros.hpp>

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/crypto/crypto.h"
#include "custody/edge_face.h"
#include "custody/helpers.h"
#include "custody/scoped_token.h"
#include "custody/session_token.h"
#include "helper/identity.h"
#include "proto/custody_helper_to_custody.h"
#include "support/helper_process.h"
#include "support/role_peer.h"
#include "support/vault_folder.h"

namespace {

using namespace ocu;

std::string const kNote = "example.org/log\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

struct Files {
    Files() : machine_key(::memfd_create("key", MFD_CLOEXEC))
    {
        std::string const key(32, 'k');
        REQUIRE(::pwrite(machine_key.get(), key.data(), key.size(), 0) == 32);
    }
    std::string vault_bytes() const { return folder.bytes(); }

    test::VaultFolder folder;
    UniqueFd machine_key;
};

struct CustodyProcess {
    explicit CustodyProcess(Files const& files, proto::CustodyConfig const& config = {})
    {
        helper.configure(config, {files.folder.fd(), files.machine_key.get()});
    }
    // What a front would receive.
    Result<helper::Identity> hand_identity()
    {
        auto pair = make_socket_pair().value();
        helper.send(proto::HandIdentity{}, {pair.theirs.get()});
        pair.theirs.reset();
        return helper::IdentityReceiver::make(std::move(pair.ours))->receive(std::chrono::seconds(5));
    }
    proto::CustodyReport report()
    {
        auto const report = wire::decode<proto::CustodyReport>(helper.ready());
        REQUIRE(report);
        return *report;
    }

    test::HelperProcess helper{"custody", custody::custody_main};
};

}  // namespace

TEST_CASE("custody: given an empty vault, when started twice, then the second start has the keys of the first", "[custody][T-09][CU-5]")
{
    Files const files;
    proto::CustodyReport first;
    {
        CustodyProcess process(files);
        first = process.report();
        CHECK(process.helper.end() == 0);
    }
    auto const sealed = files.vault_bytes();
    CHECK(sealed.size() > 64);
    CustodyProcess again(files);
    auto const second = again.report();
    CHECK(second.checkpoint_public == first.checkpoint_public);
    CHECK(second.token_public == first.token_public);
    CHECK(first.token_public != first.checkpoint_public);
    CHECK(files.vault_bytes() == sealed);
}

TEST_CASE("custody: given a checkpoint, when asked to sign it, then the signature verifies with the reported key", "[custody][AU-2]")
{
    Files const files;
    CustodyProcess process(files);
    auto const report = process.report();
    process.helper.send(proto::SignCheckpoint{RequestId{9}, kNote});
    auto const answer = process.helper.expect<proto::CheckpointSigned>();
    CHECK(answer.request == RequestId{9});
    CHECK(answer.good);
    CHECK(crypto::ed25519_verify(report.checkpoint_public, crypto::as_bytes(kNote), answer.signature));
}

TEST_CASE("custody: given text that is no checkpoint, when asked to sign it, then refused, and the next question is answered",
    "[custody][T-09][T-14]")
{
    Files const files;
    CustodyProcess process(files);
    (void)process.report();
    process.helper.send(proto::SignCheckpoint{RequestId{1}, "sign anything"});
    auto const refused = process.helper.expect<proto::CheckpointSigned>();
    CHECK_FALSE(refused.good);
    CHECK(refused.signature == crypto::Signature{});
    process.helper.send(proto::SignCheckpoint{RequestId{2}, kNote});
    CHECK(process.helper.expect<proto::CheckpointSigned>().good);
}

TEST_CASE("custody: given a session, when a token is wanted, then it verifies with the reported key and for its container only",
    "[custody][T-01][CU-5]")
{
    Files const files;
    CustodyProcess process(files);
    auto const report = process.report();
    process.helper.send(proto::MintToken{RequestId{3}, SessionId{42}, "ocu-s-1", std::chrono::seconds(60)});
    auto const minted = process.helper.expect<proto::MintedToken>();
    REQUIRE(minted.good);
    auto const now = SystemClock().wall();
    auto const token = custody::verify_session_token(report.token_public, minted.token.view(), "ocu-s-1", now);
    REQUIRE(token);
    CHECK(token->session == SessionId{42});
    CHECK_FALSE(custody::verify_session_token(report.token_public, minted.token.view(), "ocu-s-2", now));
    process.helper.send(proto::MintToken{RequestId{4}, SessionId{42}, "ocu-s-1", std::chrono::seconds(3601)});
    CHECK_FALSE(process.helper.expect<proto::MintedToken>().good);
}

TEST_CASE("custody: given a vault with one byte altered, when started, then it ends and leaves the vault as it is", "[custody][T-09][T-12]")
{
    Files const files;
    (void)CustodyProcess(files).report();
    auto altered = files.vault_bytes();
    altered.back() = static_cast<char>(altered.back() ^ 1);
    files.folder.put(altered);
    CustodyProcess process(files);
    CHECK(WEXITSTATUS(process.helper.wait()) == 1);
    CHECK(files.vault_bytes() == altered);
}

TEST_CASE("custody: given another machine's key, when started, then it ends", "[custody][T-12]")
{
    Files const files;
    (void)CustodyProcess(files).report();
    REQUIRE(::pwrite(files.machine_key.get(), "X", 1, 0) == 1);
    CustodyProcess process(files);
    CHECK(WEXITSTATUS(process.helper.wait()) == 1);
}

TEST_CASE("custody: given a machine key of the wrong size, when started, then it ends and makes no vault", "[custody][T-12]")
{
    for (off_t const size : {0, 31, 33}) {
        Files const files;
        REQUIRE(::ftruncate(files.machine_key.get(), size) == 0);
        CustodyProcess process(files);
        CHECK(WEXITSTATUS(process.helper.wait()) == 1);
        CHECK(files.vault_bytes().empty());
    }
}

namespace {

proto::CustodyConfig own(std::string const& name)
{
    proto::CustodyConfig config;
    config.serve = proto::ServeTls::own;
    config.names.push(name);
    return config;
}

proto::CustodyConfig given(crypto::X25519Public const& recipient, Secret const& key, Secret const& sealed_key)
{
    auto const now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    proto::CustodyConfig config;
    config.serve = proto::ServeTls::given;
    config.certificate = decltype(config.certificate)(crypto::issue_self_signed(key, {"given", {"a.internal"}, {}}, now, 90)->pem);
    config.sealed_key = decltype(config.sealed_key)(*sealed::seal_to_appliance(recipient, crypto::p256_key_pem(sealed_key)->bytes()));
    return config;
}

}  // namespace

TEST_CASE(
    "custody: given the service's own identity, when started again, then the same certificate; for other names another of the same key",
    "[custody][GW-1][T-12]")
{
    Files const files;
    auto const first = CustodyProcess(files, own("a.internal")).report();
    auto const second = CustodyProcess(files, own("a.internal")).report();
    auto const renamed = CustodyProcess(files, own("b.internal")).report();
    CHECK(first.certificate.str().starts_with("-----BEGIN CERTIFICATE-----"));
    CHECK(second.certificate == first.certificate);
    CHECK(renamed.certificate.str() != first.certificate.str());
    CHECK(*crypto::certificate_key_pin(renamed.certificate.view()) == *crypto::certificate_key_pin(first.certificate.view()));
    CHECK(renamed.appliance_public == first.appliance_public);
}

TEST_CASE("custody: given an identity, when it is to be handed out, then the socket that came brings it, each time", "[custody][T-12]")
{
    Files const files;
    CustodyProcess process(files, own("a.internal"));
    auto const report = process.report();
    for (int i = 0; i < 3; ++i) {
        auto const identity = process.hand_identity();
        REQUIRE(identity);
        CHECK(identity->certificate_pem == report.certificate.str());
        auto const now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        CHECK(crypto::judge_identity(identity->certificate_pem, identity->key_pem, now) == crypto::IdentityFault::none);
    }
}

TEST_CASE("custody: given no TLS, when asked for an identity, then the socket closes empty, and it goes on signing", "[custody][T-12]")
{
    Files const files;
    CustodyProcess process(files);
    CHECK(process.report().certificate.empty());
    auto const identity = process.hand_identity();
    REQUIRE_FALSE(identity);
    CHECK(identity.error().fault == Fault::unavailable);
    process.helper.send(proto::SignCheckpoint{RequestId{2}, kNote});
    CHECK(process.helper.expect<proto::CheckpointSigned>().good);
}

TEST_CASE("custody: given an identity sealed to it, when started, then opened under confinement and handed out", "[custody][AP-2][CU-1]")
{
    Files const files;
    auto const key = *crypto::make_p256_key();
    auto const recipient = CustodyProcess(files).report().appliance_public;
    auto const config = given(recipient, key, key);
    CustodyProcess process(files, config);
    auto const report = process.report();
    CHECK(report.fault == crypto::IdentityFault::none);
    CHECK(report.certificate == config.certificate);
    auto const identity = process.hand_identity();
    REQUIRE(identity);
    CHECK(identity->certificate_pem == config.certificate.str());
}

TEST_CASE(
    "custody: given an identity that is not good, when started, then the report says why and none is handed out", "[custody][AP-2][T-12]")
{
    Files const files;
    auto const key = *crypto::make_p256_key();
    auto const recipient = CustodyProcess(files).report().appliance_public;
    CustodyProcess process(files, given(recipient, key, *crypto::make_p256_key()));
    auto const report = process.report();
    CHECK(report.fault == crypto::IdentityFault::key_mismatch);
    CHECK(report.certificate.empty());
    CHECK_FALSE(process.hand_identity());
    process.helper.send(proto::SignCheckpoint{RequestId{2}, kNote});
    CHECK(process.helper.expect<proto::CheckpointSigned>().good);
}

TEST_CASE(
    "custody: given a vault of version 1, when started, then it signs with the old key and the vault is of version 3", "[custody][T-09]")
{
    Files const files;
    auto const machine_key = *Secret::copy_of(crypto::as_bytes(std::string(32, 'k')));
    auto const seed = *Secret::copy_of(crypto::as_bytes(std::string(32, 's')));
    files.folder.put(test::VaultFolder::version_1(machine_key, seed, seed));
    CHECK(CustodyProcess(files).report().checkpoint_public == *crypto::ed25519_public(seed));
    CHECK(files.vault_bytes().starts_with("ocu-vault/3\n"));
    CHECK(CustodyProcess(files).report().checkpoint_public == *crypto::ed25519_public(seed));
}

namespace {

// A helper that lends one credential and bumps, and what a session's edge process and its guest have of it.
struct Lender {
    Lender()
    {
        auto const recipient = CustodyProcess(files).report().appliance_public;
        config.bumps = true;
        config.credentials.push({"api-key", *sealed::seal_to_appliance(recipient, crypto::as_bytes("s3cret"))});
        config.scoped.push({"api", "api-key", "API_TOKEN"});
        process.emplace(files, config);
        report = process->report();
    }
    test::HelperPeer channel(SessionId session)
    {
        test::HelperPeer peer;
        auto const end = peer.connect();
        process->helper.send(proto::OpenEdgeChannel{session}, {end.get()});
        return peer;
    }
    void grant(std::uint64_t lease, SessionId session, std::chrono::milliseconds life = std::chrono::minutes(15))
    {
        auto const ends = std::chrono::steady_clock::now() + life;
        process->helper.send(proto::GrantLease{lease, session, "api", "api-key", "api.example.com", ends.time_since_epoch()});
        CHECK(process->helper.expect<proto::LeaseHeld>().lease == lease);
    }
    std::string token(SessionId session)
    {
        process->helper.send(proto::MintToken{RequestId{3}, session, "ocu-s-1", std::chrono::seconds(60)});
        auto const minted = process->helper.expect<proto::MintedToken>();
        REQUIRE(minted.scoped.items().size() == 1);
        CHECK(minted.scoped.items()[0].name.view() == "API_TOKEN");
        return minted.scoped.items()[0].value.str();
    }
    static proto::Redeemed redeem(test::HelperPeer& peer, std::uint64_t lease, std::string const& token)
    {
        peer.send(proto::Redeem{RequestId{1}, lease, token});
        return peer.take<proto::Redeemed>();
    }

    Files files;
    proto::CustodyConfig config;
    std::optional<CustodyProcess> process;
    proto::CustodyReport report;
};

constexpr SessionId kOne{41};
constexpr SessionId kTwo{42};

}  // namespace

TEST_CASE("custody: given a lease and a session's token, when redeemed over its channel, then the credential, and for nobody else",
    "[custody][CU-2][EG-7][T-12]")
{
    Lender lender;
    auto one = lender.channel(kOne);
    auto two = lender.channel(kTwo);
    auto const token = lender.token(kOne);
    CHECK(Lender::redeem(one, 7, token).reason == proto::Reason::credential_unavailable);
    lender.grant(7, kOne);
    CHECK(Lender::redeem(one, 7, token).credential.view() == "s3cret");
    CHECK(Lender::redeem(one, 7, lender.token(kTwo)).reason == proto::Reason::scoped_token_missing);
    CHECK(Lender::redeem(two, 7, token).reason == proto::Reason::session_denied);
    lender.grant(8, kTwo);
    CHECK(Lender::redeem(two, 8, token).reason == proto::Reason::scoped_token_missing);
    lender.grant(9, kOne, std::chrono::milliseconds(0));
    CHECK(Lender::redeem(one, 9, token).reason == proto::Reason::credential_unavailable);
}

TEST_CASE("custody: given a session is revoked, when its channel is looked at, then it is closed, and a new one finds no lease",
    "[custody][CU-2][T-13]")
{
    Lender lender;
    auto one = lender.channel(kOne);
    auto two = lender.channel(kTwo);
    lender.grant(7, kOne);
    lender.grant(8, kTwo);
    CHECK(Lender::redeem(one, 7, lender.token(kOne)).reason == proto::Reason::none);
    lender.process->helper.send(proto::RevokeSession{kOne});
    CHECK_FALSE(helper::read_frame(one.descriptor(), 64, std::chrono::seconds(5)));
    auto again = lender.channel(kOne);
    CHECK(Lender::redeem(again, 7, lender.token(kOne)).reason == proto::Reason::credential_unavailable);
    CHECK(Lender::redeem(two, 8, lender.token(kTwo)).reason == proto::Reason::none);
}

TEST_CASE("custody: given a channel that breaks the grammar, when it does, then it alone ends, and custody goes on signing and lending",
    "[custody][T-14]")
{
    Lender lender;
    auto two = lender.channel(kTwo);
    lender.grant(8, kTwo);
    // Another's word, one that is too large, one with a descriptor, one that does not decode.
    for (int way = 0; way < 4; ++way) {
        auto one = lender.channel(kOne);
        auto const type = static_cast<std::uint16_t>(way == 0 ? proto::Type::mint_token : proto::Type::redeem);
        int const descriptors[] = {one.descriptor()};
        one.send_raw(type, wire::Bytes(way == 1 ? 300 : 3), std::span(descriptors).first(way == 2 ? 1 : 0));
        CHECK_FALSE(helper::read_frame(one.descriptor(), 64, std::chrono::seconds(5)));
    }
    CHECK(Lender::redeem(two, 8, lender.token(kTwo)).credential.view() == "s3cret");
    lender.process->helper.send(proto::SignCheckpoint{RequestId{2}, kNote});
    CHECK(lender.process->helper.expect<proto::CheckpointSigned>().good);
}

TEST_CASE("custody: given a bump rule, when a leaf is wanted, then it holds under the reported authority, which stays the same",
    "[custody][CU-4][EG-8]")
{
    Lender lender;
    auto one = lender.channel(kOne);
    auto const key = *crypto::make_p256_key();
    one.send(proto::LeafWanted{RequestId{1}, "api.example.com", *crypto::p256_public(key)});
    auto const made = one.take<proto::LeafMade>();
    REQUIRE(made.good);
    auto const der = made.certificate.view();
    auto const pem = "-----BEGIN CERTIFICATE-----\n" + crypto::to_base64({reinterpret_cast<std::uint8_t const*>(der.data()), der.size()}) +
                     "\n-----END CERTIFICATE-----\n";
    auto const now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    CHECK(crypto::judge_identity(pem + lender.report.bump_ca.str(), *crypto::p256_key_pem(key), now) == crypto::IdentityFault::none);
    lender.process.emplace(lender.files, lender.config);
    CHECK(lender.process->report().bump_ca == lender.report.bump_ca);
}

TEST_CASE("custody: given a helper that starts again, when a session of before presents its token, then it is still that session's",
    "[custody][EG-7][EG-12]")
{
    Lender lender;
    auto const token = lender.token(kOne);
    lender.process.emplace(lender.files, lender.config);
    (void)lender.process->report();
    auto one = lender.channel(kOne);
    CHECK(Lender::redeem(one, 7, token).reason == proto::Reason::credential_unavailable);
    lender.grant(7, kOne);
    CHECK(Lender::redeem(one, 7, token).reason == proto::Reason::none);
}

TEST_CASE(
    "custody: given a credential that is not for this machine, when started, then the report says which and why", "[custody][AP-2][CU-1]")
{
    Lender lender;
    lender.config.credentials.push(
        {"foreign", *sealed::seal_to_appliance(*crypto::x25519_public(*crypto::make_x25519_seed()), crypto::as_bytes("x"))});
    lender.process.emplace(lender.files, lender.config);
    auto const report = lender.process->report();
    CHECK(report.credential_fault == crypto::IdentityFault::sealed_to_another);
    CHECK(report.credential == 1);
    CHECK(lender.report.credential_fault == crypto::IdentityFault::none);
}

TEST_CASE("custody: given as many and as large credentials as it takes, when started, then all are lent: they fit into locked memory",
    "[custody][CU-3]")
{
    Lender lender;
    auto const recipient = lender.report.appliance_public;
    proto::CustodyConfig most = lender.config;
    std::string const large(sealed::kPlainBytesMax, 'x');
    while (!most.credentials.full()) {
        auto const name = "c" + std::to_string(most.credentials.items().size());
        most.credentials.push({name, *sealed::seal_to_appliance(recipient, crypto::as_bytes(large))});
    }
    lender.process.emplace(lender.files, most);
    CHECK(lender.process->report().credential_fault == crypto::IdentityFault::none);
    auto one = lender.channel(kOne);
    auto const ends = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    lender.process->helper.send(proto::GrantLease{7, kOne, "api", "c63", "api.example.com", ends.time_since_epoch()});
    CHECK(lender.process->helper.expect<proto::LeaseHeld>().lease == 7);
    CHECK(Lender::redeem(one, 7, lender.token(kOne)).credential.view() == large);
}

TEST_CASE("custody: given a channel that asks without end, when another asks, then it is answered", "[custody][T-06]")
{
    Lender lender;
    auto one = lender.channel(kOne);
    auto two = lender.channel(kTwo);
    for (int i = 0; i < 3000; ++i) one.send(proto::Redeem{RequestId{1}, 1, "x"});
    lender.grant(8, kTwo);
    CHECK(Lender::redeem(two, 8, lender.token(kTwo)).reason == proto::Reason::none);
}
