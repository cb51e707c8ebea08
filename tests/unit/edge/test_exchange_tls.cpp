// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/bump and src/wire/tls_stream over real sockets, with real TLS both ways: every upstream that is not accepted, and every guest
// whose TLS is not for this route (EG-5, EG-7, EG-9).

#include <catch2/catch_test_macros.hpp>

#include "support/exchange_stand.h"
#include "wire/tls_rules.h"

namespace test_exchange_tls {

using namespace ocu;
using namespace test_support;
using Stand = ExchangeStand;

TEST_CASE("exchange: given a bump, when both sides are in order, then requests go through two TLS connections and the leaf is kept",
    "[edge][EG-7][EG-9]")
{
    Stand stand;
    stand.allow();
    for (int round = 0; round < 2; ++round) {
        stand.open_bump({kName});
        stand.guest->say(request());
        REQUIRE(stand.upstream_got("\r\n\r\n"));
        CHECK(stand.upstream->heard() == request());
        std::string const body(200'000, 'b');
        stand.upstream->say(kOk + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        REQUIRE(stand.until([&] { return stand.guest->heard().ends_with(body); }));
        stand.exchange.reset();
        stand.asked.clear();
    }
    CHECK(stand.fakes.leaves == 1);
    stand.clock.advance(std::chrono::hours(1));
    stand.open_bump({kName});
    REQUIRE(stand.until([&] { return stand.guest->open(); }));
    CHECK(stand.fakes.leaves == 2);
}

TEST_CASE("exchange: given an upstream of each wrong kind, when a request comes, then it is told upstream_unverified and nothing goes out",
    "[edge][EG-9]")
{
    struct Wrong {
        char const* name;
        LeafWish wish;
        char const* word;
        bool unknown_authority = false;
    };
    std::vector<Wrong> const wrongs{
        {"expired", {.name = kName, .from_days = -30, .to_days = -2}, "dates"},
        {"not yet valid", {.name = kName, .from_days = 5}, "dates"},
        {"wrong name", {.name = "other.example.com"}, "name"},
        {"name of the parent", {.name = "example.com"}, "name"},
        {"wildcard one level up", {.name = "*.com"}, "name"},
        {"unknown authority", {.name = kName}, "chain", true},
        {"SHA-1", {.name = kName, .signature = CTC_SHAwECDSA}, "weak"},
        {"for clients", {.name = kName, .for_clients = true}, "chain"},
    };
    for (auto const& wrong : wrongs) {
        INFO(wrong.name);
        Stand stand;
        stand.allow();
        TestAuthority stranger("stranger");
        stand.open_bump(wrong.wish, wrong.unknown_authority ? &stranger : nullptr);
        stand.guest->say(request());
        bool const told = stand.guest_got("x-deny-reason: upstream_unverified");
        CHECK(told);
        if (!told) continue;
        CHECK(stand.guest->heard().starts_with("HTTP/1.1 403 "));
        REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
        CHECK(stand.ended->reason == Reason::upstream_unverified);
        CHECK(stand.word == wrong.word);
        CHECK(stand.upstream->heard().empty());
        CHECK(stand.asked.empty());
    }
}

void expect_unverified(Stand& stand, std::string_view word)
{
    stand.guest->say(request());
    REQUIRE(stand.guest_got("x-deny-reason: upstream_unverified"));
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::upstream_unverified);
    CHECK(stand.word == word);
}

TEST_CASE("exchange: given an upstream with a self-signed certificate or a short RSA key, when a request comes, then upstream_unverified",
    "[edge][EG-9]")
{
    Stand self_signed;
    auto const key = *crypto::make_p256_key();
    auto const made = *crypto::issue_self_signed(
        key, {kName, {kName}, {}}, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), 9);
    std::vector<byte> der(made.pem.size());
    int const size = wc_CertPemToDer(reinterpret_cast<byte const*>(made.pem.data()), static_cast<int>(made.pem.size()), der.data(),
        static_cast<int>(der.size()), CERT_TYPE);
    self_signed.open_bump_with(*crypto::p256_key_pem(key), std::string(der.begin(), der.begin() + size));
    expect_unverified(self_signed, "chain");

    Stand weak;
    crypto::Rng rng;
    RsaKey rsa;
    REQUIRE(wc_InitRsaKey(&rsa, nullptr) == 0);
    REQUIRE(wc_MakeRsaKey(&rsa, 1024, 65537, rng.get()) == 0);
    std::vector<byte> key_der(2048), key_pem(4096);
    int const der_size = wc_RsaKeyToDer(&rsa, key_der.data(), static_cast<word32>(key_der.size()));
    REQUIRE(der_size > 0);
    int const pem_size =
        wc_DerToPem(key_der.data(), static_cast<word32>(der_size), key_pem.data(), static_cast<word32>(key_pem.size()), PRIVATEKEY_TYPE);
    REQUIRE(pem_size > 0);
    auto const leaf = weak.public_authority.leaf({kName}, &rsa);
    wc_FreeRsaKey(&rsa);
    weak.open_bump_with(*Secret::copy_of(std::as_bytes(std::span(key_pem)).first(static_cast<std::size_t>(pem_size))), leaf);
    expect_unverified(weak, "weak");
}

TEST_CASE("exchange: given an upstream that speaks TLS 1.1, or no TLS, when a request comes, then upstream_unverified", "[edge][EG-9]")
{
    std::string const hello =
        std::string("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11) + std::string(32, 'r') + std::string("\0\xc0\x14\0", 4);
    for (auto const& [says, word] :
        {std::pair<std::string, std::string>{hello, "protocol"}, {"220 mail.example.com ESMTP\r\n", "grammar"}}) {
        Stand stand;
        Pair b;
        stand.upstream = std::make_unique<Peer>(stand.loop, wire::plain_transport(stand.loop, std::move(b.theirs)));
        stand.upstream->say(says);
        stand.open_bump_on(std::move(b.ours));
        expect_unverified(stand, word);
    }
}

TEST_CASE("exchange: given a guest's TLS that is for another name or protocol, or no leaf, when it comes, then it ends typed",
    "[edge][EG-5][EG-12]")
{
    Stand other;
    Pair b;
    other.upstream = std::make_unique<Peer>(other.loop, wire::plain_transport(other.loop, std::move(b.theirs)));
    other.upstream->leave();
    other.open_bump_on(std::move(b.ours), "other.example.com");
    REQUIRE(other.until([&] { return other.ended.has_value(); }));
    // Its own check of the name, or ours, whichever comes first; nothing was asked and nothing served.
    CHECK((other.ended->reason == Reason::name_mismatch || other.ended->reason == Reason::protocol_denied));
    CHECK(other.asked.empty());

    Stand none;
    none.fakes.leaf_works = false;
    none.open_bump({kName});
    REQUIRE(none.until([&] { return none.ended.has_value(); }));
    CHECK(none.ended->reason == Reason::credential_unavailable);

    Stand plain;
    Pair a, c;
    plain.guest = std::make_unique<Peer>(plain.loop, wire::plain_transport(plain.loop, std::move(a.theirs)));
    plain.upstream = std::make_unique<Peer>(plain.loop, wire::plain_transport(plain.loop, std::move(c.theirs)));
    plain.upstream->leave();
    plain.exchange = std::make_unique<Exchange>(plain.tools, plain.loop, std::move(a.ours), request(), std::move(c.ours),
        ExchangeRoute{ConnectionId{3}, proto::Handling::bump, proto::RouteForm::connect, kName, 443, kName}, plain.calls());
    REQUIRE(plain.until([&] { return plain.ended.has_value(); }));
    CHECK(plain.ended->reason == Reason::protocol_denied);
}

// A guest's program that verifies nothing and says what it likes.
struct Careless {
    char const* sni;
    char const* alpn;
    int version_max;
    Reason reason;  // none: served
    char const* word;
};

std::unique_ptr<wire::TlsStream> careless_client(wire::Loop& loop, UniqueFd fd, Careless const& how)
{
    std::shared_ptr<WOLFSSL_CTX> context(wolfSSL_CTX_new(wolfTLS_client_method()), [](WOLFSSL_CTX* each) { wolfSSL_CTX_free(each); });
    wolfSSL_CTX_set_verify(context.get(), WOLFSSL_VERIFY_NONE, nullptr);
    REQUIRE(wolfSSL_CTX_set_max_proto_version(context.get(), how.version_max) == WOLFSSL_SUCCESS);
    std::array<int, 1> groups{WOLFSSL_ECC_SECP256R1};
    REQUIRE(wolfSSL_CTX_set_groups(context.get(), groups.data(), 1) == WOLFSSL_SUCCESS);
    wire::TlsSession session{wire::TlsSessionHandle(wolfSSL_new(context.get())), std::make_unique<wire::TlsVerdict>(), nullptr};
    auto* const handle = session.handle.get();
    if (how.sni) wolfSSL_UseSNI(handle, WOLFSSL_SNI_HOST_NAME, how.sni, static_cast<unsigned short>(std::strlen(how.sni)));
    std::string protocols = how.alpn ? how.alpn : "";
    if (how.alpn) wolfSSL_UseALPN(handle, protocols.data(), static_cast<unsigned>(protocols.size()), WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
    wolfSSL_set_connect_state(handle);
    return wire::make_tls_stream(loop, wire::plain_transport(loop, std::move(fd)), std::move(session), context, {});
}

TEST_CASE("exchange: given a guest's TLS of each kind, when it comes, then it is served for the route's name over HTTP/1.1 or ends typed",
    "[edge][EG-5][EG-7]")
{
    std::vector<Careless> const kinds{
        {"api.example.com", "http/1.1", TLS1_3_VERSION, Reason::none, ""},
        {"API.Example.com", "h2,http/1.1", TLS1_2_VERSION, Reason::none, ""},
        {"api.example.com", nullptr, TLS1_2_VERSION, Reason::none, ""},
        {"api.example.com", "h2", TLS1_3_VERSION, Reason::protocol_denied, "protocol"},
        {"api.example.com", "h2", TLS1_2_VERSION, Reason::protocol_denied, "protocol"},
        {"other.example.com", "http/1.1", TLS1_3_VERSION, Reason::name_mismatch, "sni"},
        {nullptr, "http/1.1", TLS1_3_VERSION, Reason::no_sni, "sni"},
        {nullptr, nullptr, TLS1_2_VERSION, Reason::no_sni, "sni"},
    };
    for (auto const& kind : kinds) {
        INFO((kind.sni ? kind.sni : "-") << ' ' << (kind.alpn ? kind.alpn : "-") << ' ' << kind.version_max);
        Stand stand;
        stand.allow();
        stand.open_bump({kName});
        Pair a, b;
        stand.upstream = std::make_unique<Peer>(
            stand.loop, *stand.upstream_rules->accept(stand.loop, wire::plain_transport(stand.loop, std::move(b.theirs)),
                            stand.public_authority.leaf({kName}, stand.upstream_public), {}));
        stand.guest = std::make_unique<Peer>(stand.loop, careless_client(stand.loop, std::move(a.theirs), kind));
        stand.ended.reset();
        stand.exchange = std::make_unique<Exchange>(stand.tools, stand.loop, std::move(a.ours), std::string{}, std::move(b.ours),
            ExchangeRoute{ConnectionId{4}, proto::Handling::bump, proto::RouteForm::connect, kName, 443, kName}, stand.calls());
        stand.guest->say(request());
        if (kind.reason == Reason::none) {
            CHECK(stand.upstream_got("\r\n\r\n"));
            continue;
        }
        REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
        CHECK(stand.ended->reason == kind.reason);
        CHECK(stand.word == kind.word);
        CHECK(stand.asked.empty());
        CHECK(stand.upstream->heard().empty());
    }
}

}  // namespace test_exchange_tls
