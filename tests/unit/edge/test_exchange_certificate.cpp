// SPDX-License-Identifier: GPL-3.0-or-later
// Units: src/edge/certified_upstream, src/edge/exchange and src/wire/tls_signer: an upstream that wants a client's certificate, whose key is
// not in this process (EG-7, invariant 4).

#include <catch2/catch_test_macros.hpp>

#include "support/client_identities.h"
#include "support/exchange_stand.h"
#include "wire/tls_rules.h"

namespace test_exchange_certificate {

using namespace ocu;
using namespace test_support;

constexpr std::uint64_t kLease = 7;
std::string const kTokenLine = "Authorization: Bearer " + kToken + "\r\n";

enum class Asks : std::uint8_t { yes, no };

struct FreeContext {
    void operator()(WOLFSSL_CTX* context) const { wolfSSL_CTX_free(context); }
};

struct Stand : ExchangeStand {
    explicit Stand(Asks asks = Asks::yes, WOLFSSL_METHOD* method = wolfTLSv1_3_server_method()) : context(wolfSSL_CTX_new(method))
    {
        fakes.credential = client.chain_pem;
        fakes.identity = *crypto::read_client_identity(*Secret::copy_of(crypto::as_bytes(client.whole())));
        auto const key = *crypto::make_p256_key();
        auto const pem = *crypto::p256_key_pem(key);
        auto const der = public_authority.leaf({kName}, *crypto::p256_public(key));
        auto const bytes_of = [](auto const* data) { return reinterpret_cast<unsigned char const*>(data); };
        REQUIRE(wolfSSL_CTX_use_certificate_buffer(
                    context.get(), bytes_of(der.data()), static_cast<long>(der.size()), WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
        REQUIRE(wolfSSL_CTX_use_PrivateKey_buffer(context.get(), bytes_of(pem.bytes().data()), static_cast<long>(pem.bytes().size()),
                    WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS);
        auto const roots = clients_authority.pem();
        REQUIRE(wolfSSL_CTX_load_verify_buffer(
                    context.get(), bytes_of(roots.data()), static_cast<long>(roots.size()), WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS);
        wolfSSL_CTX_set_verify(
            context.get(), asks == Asks::yes ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT : WOLFSSL_VERIFY_NONE, nullptr);
        Pair a, b;
        upstream_bare = b.theirs.get();
        wire::TlsSession session{wire::TlsSessionHandle(wolfSSL_new(context.get())), std::make_unique<wire::TlsVerdict>(), nullptr};
        wolfSSL_set_accept_state(session.handle.get());
        upstream = std::make_unique<Peer>(
            loop, wire::make_tls_stream(loop, wire::plain_transport(loop, std::move(b.theirs)), std::move(session), nullptr, {}));
        auto guest_rules = *wire::TlsToUpstream::make(fakes.authority.pem());
        guest = std::make_unique<Peer>(loop, *guest_rules->connect(loop, wire::plain_transport(loop, std::move(a.theirs)), kName));
        clients.push_back(guest_rules);
        ExchangeRoute route{ConnectionId{3}, proto::Handling::bump, proto::RouteForm::direct, kName, 443, kName, true, true};
        exchange = std::make_unique<Exchange>(tools, loop, std::move(a.ours), std::string{}, std::move(b.ours), std::move(route), calls());
    }
    void allow_certificate()
    {
        answer = [this](proto::RequestAsked const& message) {
            exchange->allowed({message.connection, message.request, kLease, "authorization", "", true});
        };
    }
    void expect_refused(std::string_view reason)
    {
        REQUIRE(guest_got("x-deny-reason: " + std::string(reason)));
        settle();
        CHECK(upstream->heard().empty());
        CHECK_FALSE(upstream->open());
    }

    TestAuthority clients_authority{"clients"};
    ClientMaterial client = make_client(clients_authority);
    std::unique_ptr<WOLFSSL_CTX, FreeContext> context;
    int upstream_bare = -1;
};

TEST_CASE("certificate: given a request with the token, when it is allowed, then the upstream sees the certificate, and no token",
    "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow_certificate();
    for (int i = 1; i <= 3; ++i) {
        stand.guest->say(request(kTokenLine + "X-Number: " + std::to_string(i) + "\r\n"));
        REQUIRE(stand.upstream_got("X-Number: " + std::to_string(i) + "\r\n\r\n"));
        stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
        REQUIRE(stand.until([&] { return stand.dones.size() == static_cast<std::size_t>(i); }));
        CHECK(stand.dones.back().status == 200);
    }
    CHECK_FALSE(stand.upstream->heard().contains("ocu-scoped"));
    CHECK_FALSE(stand.upstream->heard().contains("uthorization"));
    CHECK(stand.fakes.proofs == 1);
    CHECK(stand.fakes.proof_destination == kName);
}

TEST_CASE("certificate: given a request without the token, when it is the first, then no handshake is begun and nothing goes out",
    "[edge][EG-7][T-12]")
{
    for (auto const& headers : {std::string(), std::string("Authorization: Bearer ocu-scoped-another\r\n"), "X-Other: " + kToken + "\r\n",
             kTokenLine + kTokenLine}) {
        INFO(headers);
        Stand stand;
        stand.allow_certificate();
        stand.guest->say(request(headers));
        stand.expect_refused("scoped_token_missing");
        CHECK(stand.fakes.proofs == 0);
        // The connection is as it was: one that has the token is served.
        stand.guest->say(request(kTokenLine));
        CHECK(stand.upstream_got("\r\n\r\n"));
    }
}

TEST_CASE("certificate: given an upstream that has seen it, when a later request has no token, then it is not sent", "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow_certificate();
    stand.guest->say(request(kTokenLine));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
    auto const heard = stand.upstream->heard();
    stand.guest->say(request());
    REQUIRE(stand.guest_got("x-deny-reason: scoped_token_missing"));
    stand.answer = [&](proto::RequestAsked const& message) {
        stand.exchange->allowed({message.connection, message.request, 0, "", "", false});
    };
    stand.guest->say(request());
    REQUIRE(stand.guest_got("x-deny-reason: credential_unavailable"));
    CHECK(stand.upstream->heard() == heard);
}

TEST_CASE("certificate: given custody that does not sign, when a request has the token, then its reason, and no request goes out",
    "[edge][EG-7][EG-12]")
{
    for (auto const reason : {Reason::credential_unavailable, Reason::session_denied, Reason::scoped_token_missing}) {
        Stand stand;
        stand.allow_certificate();
        stand.fakes.prove_reason = reason;
        stand.guest->say(request(kTokenLine));
        stand.expect_refused(name_of(reason));
        REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
        CHECK(stand.dones.back().reason == reason);
    }
}

TEST_CASE(
    "certificate: given an upstream that does not ask for it, or speaks TLS 1.2, when a request has the token, then it is not accepted",
    "[edge][EG-7][EG-9]")
{
    Stand unasked(Asks::no);
    unasked.allow_certificate();
    unasked.guest->say(request(kTokenLine));
    REQUIRE(unasked.guest_got("x-deny-reason: upstream_unverified"));
    REQUIRE(unasked.until([&] { return unasked.ended.has_value(); }));
    CHECK(unasked.word == "unasked");
    CHECK(unasked.upstream->heard().empty());
    Stand old(Asks::yes, wolfTLSv1_2_server_method());
    old.allow_certificate();
    old.guest->say(request(kTokenLine));
    REQUIRE(old.guest_got("x-deny-reason: upstream_unverified"));
    CHECK(old.upstream->heard().empty());
    CHECK(old.fakes.proofs == 0);
}

TEST_CASE("certificate: given another's signature, when the upstream looks at it, then it is not let in", "[edge][EG-7]")
{
    Stand stand;
    stand.allow_certificate();
    TestAuthority other("other");
    stand.fakes.identity->key =
        std::move(crypto::read_client_identity(*Secret::copy_of(crypto::as_bytes(make_client(other).whole())))->key);
    stand.guest->say(request(kTokenLine));
    REQUIRE(stand.guest_got("HTTP/1.1 502"));
    CHECK(stand.upstream->heard().empty());
}

TEST_CASE("certificate: given a cut while custody is asked, when its answer comes, then nothing happens", "[edge][EG-7]")
{
    Stand stand;
    stand.allow_certificate();
    stand.fakes.hold_proofs = true;
    stand.guest->say(request(kTokenLine));
    REQUIRE(stand.until([&] { return stand.fakes.proofs == 1; }));
    stand.exchange->cut();
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    stand.exchange.reset();
    stand.fakes.give_held();
    stand.settle();
    CHECK(stand.upstream->heard().empty());
}

}  // namespace test_exchange_certificate
