// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/exchange, bump and relay_refusal over real sockets, with real TLS both ways and a custody that signs and lends: who is asked,
// what the upstream gets, what the guest sees, and every upstream that is not accepted (EG-7, EG-9, invariant 4).

#include <catch2/catch_test_macros.hpp>

#include <optional>

#include "base/crypto/crypto.h"
#include "edge/exchange.h"
#include "edge/inject.h"
#include "support/tls_peers.h"
#include "wire/tls_rules.h"

namespace test_exchange {

using namespace ocu;
using namespace ocu::edge;
using namespace test_support;
using proto::Reason;

std::string const kName = "api.example.com";
std::string const kToken = "ocu-scoped-abcdefghijklmnop";
std::string const kCredential = "sk-live-0123456789abcdef";
std::string const kOk = "HTTP/1.1 200 OK\r\n";

struct Fakes : Custody {
    void leaf(std::string_view host, LeafKey const& key, std::function<void(Result<std::string>)> then) override
    {
        ++leaves;
        auto der = leaf_works ? Result<std::string>(authority.leaf({std::string(host)}, key)) : fail(Fault::unavailable, "no custody");
        loop->post([then = std::move(then), der = std::move(der)]() mutable { then(std::move(der)); });
    }
    void redeem(std::uint64_t lease, std::string_view token, std::function<void(proto::Redeemed&)> then) override
    {
        proto::Redeemed answer;
        answer.reason = lease == 7 && token == kToken ? redeem_reason : Reason::scoped_token_missing;
        if (answer.reason == Reason::none) answer.credential = credential;
        loop->post([this, then = std::move(then), answer]() mutable {
            then(answer);
            wiped = answer.credential.empty();
        });
    }

    wire::Loop* loop = nullptr;
    TestAuthority authority{"bump"};
    bool leaf_works = true;
    int leaves = 0;
    Reason redeem_reason = Reason::none;
    std::string credential = kCredential;
    bool wiped = false;
};

struct Pair {
    Pair()
    {
        auto made = *make_socket_pair();
        ours = std::move(made.ours);
        theirs = std::move(made.theirs);
    }
    UniqueFd ours, theirs;
};

struct Stand {
    Stand()
    {
        fakes.loop = &loop;
        tools = *ExchangeTools::make(public_authority.pem(), fakes, clock);
    }
    Exchange::Calls calls()
    {
        return {[this](proto::RequestAsked message) {
                    asked.push_back(message);
                    if (answer) answer(message);
                },
            [this](proto::RequestDone message) { dones.push_back(message); },
            [this](proto::ConnectionEnded message, std::string_view about) {
                ended = message;
                word = about;
            }};
    }
    void open_http(ExchangeRoute route, std::string already = {})
    {
        Pair a, b;
        guest = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(a.theirs)));
        upstream = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(b.theirs)));
        exchange = std::make_unique<Exchange>(tools, loop, std::move(a.ours), std::move(already), std::move(b.ours), std::move(route), calls());
    }
    void open_http() { open_http({ConnectionId{3}, proto::Handling::http, proto::RouteForm::direct, kName, 80, {}}); }

    // An upstream with that certificate for a fresh P-256 key, and a guest that trusts the bump CA.
    void open_bump(LeafWish const& wish, TestAuthority* by = nullptr)
    {
        auto const key = *crypto::make_p256_key();
        upstream_public = *crypto::p256_public(key);
        auto const der = (by ? *by : public_authority).leaf(wish, upstream_public);
        open_bump_with(*crypto::p256_key_pem(key), der);
    }
    void open_bump_with(Secret const& key_pem, std::string const& der)
    {
        Pair b;
        upstream_rules = *wire::TlsToGuest::make(key_pem);
        auto stream = upstream_rules->accept(loop, wire::plain_transport(loop, std::move(b.theirs)), der, {});
        REQUIRE(stream.has_value());
        upstream = std::make_unique<Peer>(loop, *std::move(stream));
        open_bump_on(std::move(b.ours));
    }
    void open_bump_on(UniqueFd upstream_end, std::string const& asks_for = kName)
    {
        Pair a;
        auto client = *wire::TlsToUpstream::make(fakes.authority.pem());
        guest = std::make_unique<Peer>(loop, *client->connect(loop, wire::plain_transport(loop, std::move(a.theirs)), asks_for));
        clients.push_back(client);
        ExchangeRoute route{ConnectionId{3}, proto::Handling::bump, proto::RouteForm::direct, kName, 443, kName};
        exchange = std::make_unique<Exchange>(tools, loop, std::move(a.ours), std::string{}, std::move(upstream_end), std::move(route), calls());
    }

    bool until(std::function<bool()> const& so)
    {
        bool late = false;
        auto const guard = loop.after(std::chrono::seconds(5), [&] { late = true; });
        while (!so()) {
            if (late) return false;
            loop.run_one();
        }
        return true;
    }
    void settle()
    {
        bool over = false;
        auto const guard = loop.after(std::chrono::milliseconds(50), [&] { over = true; });
        while (!over) loop.run_one();
    }
    void allow(std::uint64_t lease = 0, std::string const& format = "Bearer {}")
    {
        answer = [this, lease, format](proto::RequestAsked const& message) {
            exchange->allowed({message.connection, message.request, lease, lease ? "authorization" : "", lease ? format : ""});
        };
    }
    bool upstream_got(std::string_view part)
    {
        return until([&] { return upstream->heard().contains(part); });
    }
    bool guest_got(std::string_view part)
    {
        return until([&] { return guest->heard().contains(part); });
    }

    wire::Loop loop;
    ManualClock clock;
    Fakes fakes;
    TestAuthority public_authority{"public"};
    std::shared_ptr<ExchangeTools> tools;
    std::shared_ptr<wire::TlsToGuest> upstream_rules;
    LeafKey upstream_public{};
    std::vector<std::shared_ptr<wire::TlsToUpstream>> clients;
    std::unique_ptr<Peer> guest, upstream;
    std::vector<proto::RequestAsked> asked;
    std::vector<proto::RequestDone> dones;
    std::optional<proto::ConnectionEnded> ended;
    std::string word;
    std::function<void(proto::RequestAsked const&)> answer;
    std::unique_ptr<Exchange> exchange;
};

std::string request(std::string const& headers = {}, std::string const& target = "/v1/x?q=1", std::string const& host = kName)
{
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
}

TEST_CASE("exchange: given plain HTTP, when a request comes, then it is asked for, and sent only when allowed", "[edge][EG-3]")
{
    Stand stand;
    stand.open_http();
    stand.guest->say(request("A: 1\r\n", "/v1/%78?q=1"));
    REQUIRE(stand.until([&] { return stand.asked.size() == 1; }));
    CHECK(stand.asked[0].method.view() == "GET");
    CHECK(stand.asked[0].host.view() == kName);
    CHECK(stand.asked[0].path.view() == "/v1/x");
    CHECK(stand.asked[0].request == RequestId{1});
    stand.settle();
    CHECK(stand.upstream->heard().empty());
    stand.exchange->allowed({ConnectionId{3}, RequestId{2}, 0, "", ""});  // about another request
    stand.settle();
    CHECK(stand.upstream->heard().empty());
    stand.exchange->allowed({ConnectionId{3}, RequestId{1}, 0, "", ""});
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    CHECK(stand.upstream->heard() == request("A: 1\r\n"));
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.guest_got("\r\n\r\nhi"));
    REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
    CHECK(stand.dones[0].status == 200);
    CHECK(stand.dones[0].bytes_down == 2);
    stand.guest->leave();
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::none);
    CHECK(stand.ended->bytes_up > 0);
}

TEST_CASE("exchange: given a refusal, when the thread says it, then the guest reads why, and the next request is asked for", "[edge][EG-6]")
{
    Stand stand;
    stand.answer = [&](proto::RequestAsked const& message) {
        stand.exchange->refused({message.connection, message.request, Reason::path_denied});
    };
    stand.open_http();
    stand.guest->say(request() + request());
    REQUIRE(stand.until([&] { return stand.asked.size() == 2; }));
    stand.settle();
    CHECK(stand.guest->heard().starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(stand.guest->heard().contains("x-deny-reason: path_denied\r\n"));
    CHECK(stand.guest->heard().contains("\"code\":\"path_denied\""));
    CHECK(stand.dones.empty());
    CHECK(stand.upstream->heard().empty());
}

TEST_CASE("exchange: given a request for another host or port than the route's, when it comes, then it ends the connection unasked",
    "[edge][EG-5]")
{
    for (auto const* const host : {"other.example.com", "api.example.com:8080", "api.example.com.evil.org"}) {
        Stand stand;
        stand.open_http();
        stand.guest->say(request({}, "/", host));
        REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
        CHECK(stand.ended->reason == Reason::name_mismatch);
        CHECK(stand.guest->heard().contains("x-deny-reason: name_mismatch"));
        CHECK(stand.asked.empty());
        CHECK(stand.upstream->heard().empty());
    }
    Stand stand;
    stand.open_http({ConnectionId{3}, proto::Handling::http, proto::RouteForm::direct, kName, 8080, {}}, request({}, "/", kName + ":8080"));
    stand.allow();
    CHECK(stand.upstream_got("Host: api.example.com:8080\r\n"));
}

TEST_CASE("exchange: given bytes that are not HTTP/1.1, when they come, then protocol_denied is said and recorded", "[edge][EG-5]")
{
    Stand stand;
    stand.open_http();
    stand.guest->say("POST / HTTP/1.1\r\nHost: " + kName + "\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::protocol_denied);
    CHECK(stand.word == "framing");
    CHECK(stand.guest->heard().contains("x-deny-reason: protocol_denied"));
}

TEST_CASE("exchange: given the proxy's form, when one request is answered, then the connection ends", "[edge][EG-2]")
{
    Stand stand;
    stand.allow();
    stand.open_http({ConnectionId{3}, proto::Handling::http, proto::RouteForm::absolute, kName, 80, {}},
        request({}, "http://" + kName + "/a") + request({}, "http://" + kName + "/b"));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    CHECK(stand.upstream->heard() == request({}, "/a"));
    stand.upstream->say(kOk + "Content-Length: 0\r\n\r\n");
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.guest->heard().contains("Connection: close\r\n"));
    CHECK(stand.asked.size() == 1);
}

TEST_CASE("exchange: given an upstream that goes, when no answer came, then 502 without a reason; a cut ends it at once", "[edge][EG-6]")
{
    Stand stand;
    stand.allow();
    stand.open_http();
    stand.guest->say(request());
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    stand.upstream->close();
    REQUIRE(stand.guest_got("HTTP/1.1 502 Bad Gateway"));
    CHECK_FALSE(stand.guest->heard().contains("x-deny-reason"));

    Stand cut;
    cut.open_http();
    cut.guest->say(request());
    REQUIRE(cut.until([&] { return cut.asked.size() == 1; }));
    cut.exchange->cut();
    CHECK_FALSE(cut.ended.has_value());
    REQUIRE(cut.until([&] { return cut.ended && cut.guest->closed() && cut.upstream->closed(); }));
    cut.exchange->allowed({ConnectionId{3}, RequestId{1}, 0, "", ""});  // too late
    cut.settle();
    CHECK(cut.upstream->heard().empty());
}

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
        REQUIRE(stand.guest_got("x-deny-reason: upstream_unverified"));
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
    auto const made = *crypto::issue_self_signed(key, {kName, {kName}, {}}, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), 9);
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
    int const pem_size = wc_DerToPem(
        key_der.data(), static_cast<word32>(der_size), key_pem.data(), static_cast<word32>(key_pem.size()), PRIVATEKEY_TYPE);
    REQUIRE(pem_size > 0);
    auto const leaf = weak.public_authority.leaf({kName}, &rsa);
    wc_FreeRsaKey(&rsa);
    weak.open_bump_with(*Secret::copy_of(std::as_bytes(std::span(key_pem)).first(static_cast<std::size_t>(pem_size))), leaf);
    expect_unverified(weak, "weak");
}

TEST_CASE("exchange: given an upstream that speaks TLS 1.1, or no TLS, when a request comes, then upstream_unverified", "[edge][EG-9]")
{
    std::string const hello = std::string("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11) + std::string(32, 'r') + std::string("\0\xc0\x14\0", 4);
    for (auto const& [says, word] : {std::pair<std::string, std::string>{hello, "protocol"}, {"220 mail.example.com ESMTP\r\n", "grammar"}}) {
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
    wire::TlsSession session{wire::TlsSessionHandle(wolfSSL_new(context.get())), std::make_unique<wire::TlsVerdict>()};
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
        stand.upstream = std::make_unique<Peer>(stand.loop,
            *stand.upstream_rules->accept(stand.loop, wire::plain_transport(stand.loop, std::move(b.theirs)),
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

TEST_CASE("exchange: given a lease, when the request presents the token, then the upstream gets the credential and the guest never does",
    "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow(7);
    stand.open_bump({kName});
    stand.guest->say(request("Authorization: Bearer " + kToken + "\r\nAccept-Encoding: gzip\r\n"));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    CHECK(stand.upstream->heard().contains("Authorization: Bearer " + kCredential + "\r\n"));
    CHECK(stand.upstream->heard().contains("Accept-Encoding: identity\r\n"));
    CHECK_FALSE(stand.upstream->heard().contains("gzip"));
    CHECK_FALSE(stand.upstream->heard().contains(kToken));
    CHECK(stand.fakes.wiped);
    auto const body = "you sent " + kCredential + ".";
    stand.upstream->say(kOk + "Content-Type: text/plain\r\nLocation: http://x/?k=" + kCredential + "\r\nX-" + kCredential +
                        ": 1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 15));
    stand.settle();
    stand.upstream->say(body.substr(15));
    REQUIRE(stand.guest_got("0\r\n\r\n"));
    CHECK_FALSE(stand.guest->heard().contains(kCredential.substr(0, 12)));
    CHECK(stand.guest->heard().contains("Location: http://x/?k=[redacted]\r\n"));
    CHECK(stand.guest->heard().contains("[redacted]"));
    CHECK(stand.guest->heard().contains("Transfer-Encoding: chunked\r\n"));

    // The next request on the same connection has no credential unless it shows the token itself.
    stand.guest->forget();
    stand.upstream->forget();
    stand.guest->say(request());
    REQUIRE(stand.guest_got("x-deny-reason: scoped_token_missing"));
    CHECK(stand.upstream->heard().empty());
    REQUIRE(stand.until([&] { return stand.dones.size() == 2; }));
    CHECK(stand.dones[0].reason == Reason::none);
    CHECK(stand.dones[1].reason == Reason::scoped_token_missing);
    CHECK(stand.dones[1].status == 403);
}

TEST_CASE("exchange: given a lease and Basic, when the answer is binary or a WebSocket, then it keeps its length without the credential",
    "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.fakes.credential = "user:long-password-1";
    stand.allow(7, "{basic}");
    stand.open_http();
    stand.guest->say(request("Authorization: Basic " + crypto::to_base64(std::span(reinterpret_cast<std::uint8_t const*>(("u:" + kToken).data()), kToken.size() + 2)) + "\r\n"));
    REQUIRE(stand.upstream_got("Authorization: Basic dXNlcjpsb25nLXBhc3N3b3JkLTE=\r\n"));
    stand.upstream->say(kOk + "Content-Type: application/octet-stream\r\nContent-Length: 19\r\n\r\n[long-password-1]--");
    REQUIRE(stand.guest_got("[***************]--"));
    CHECK(stand.guest->heard().contains("Content-Length: 19\r\n"));
    stand.guest->say(request("Authorization: Bearer " + kToken +
                             "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
    REQUIRE(stand.upstream_got("Upgrade: websocket\r\n\r\n"));
    CHECK_FALSE(stand.upstream->heard().contains("permessage"));
    stand.upstream->say("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x10(long-password-1)");
    CHECK(stand.guest_got("(***************)"));
}

TEST_CASE("exchange: given a token in the wrong place, or none to be had, when it is allowed, then nothing goes out", "[edge][EG-7][T-12]")
{
    struct Wrong {
        std::string headers;
        std::string target;
        std::uint64_t lease;
        std::string format = "Bearer {}";
        Reason reason = Reason::scoped_token_missing;
    };
    std::string const good = "Authorization: Bearer " + kToken + "\r\n";
    for (auto const& wrong : std::vector<Wrong>{
             {"", "/", 7},
             {"X-Key: " + kToken + "\r\n", "/", 7},
             {good + "X-Key: " + kToken + "\r\n", "/", 7},
             {good, "/?k=" + kToken, 7},
             {good + good, "/", 7},
             {good, "/", 0},
             {"", "/" + kToken, 0},
             {good, "/", 8},  // a lease that is not this token's
             {good, "/", 7, "Bearer", Reason::credential_unavailable},
         }) {
        Stand stand;
        stand.allow(wrong.lease, wrong.format);
        stand.open_http();
        stand.guest->say(request(wrong.headers, wrong.target));
        REQUIRE(stand.guest_got("HTTP/1.1 403 "));
        CHECK(stand.guest->heard().contains("x-deny-reason: " + std::string(name_of(wrong.reason))));
        REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
        CHECK(stand.dones[0].reason == wrong.reason);
        CHECK(stand.upstream->heard().empty());
    }
    for (auto const& bad : {std::string("a\r\nX-Admin: 1"), std::string()}) {
        Stand stand;
        stand.fakes.credential = bad;
        stand.allow(7);
        stand.open_http();
        stand.guest->say(request(good));
        REQUIRE(stand.guest_got("x-deny-reason: credential_unavailable"));
        CHECK(stand.upstream->heard().empty());
    }
}

TEST_CASE("exchange: given an answer that is compressed all the same, when a credential went out, then it is refused", "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow(7);
    stand.open_http();
    stand.guest->say(request("Authorization: Bearer " + kToken + "\r\n"));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    stand.upstream->say(kOk + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz");
    REQUIRE(stand.guest_got("x-deny-reason: protocol_denied"));
    CHECK_FALSE(stand.guest->heard().contains("zzzz"));
    REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
    CHECK(stand.dones[0].reason == Reason::protocol_denied);
}

}  // namespace test_exchange
