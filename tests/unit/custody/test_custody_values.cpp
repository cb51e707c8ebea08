// SPDX-License-Identifier: GPL-3.0-or-later
// Units: checkpoint_note, session_token.

#include <catch2/catch_test_macros.hpp>

#include "custody/checkpoint_note.h"
#include "custody/session_token.h"
#include "proto/retention.h"
#include "custody/vault.h"
#include "wire/json.h"

namespace test_custody_values {

using namespace ocu;
using namespace std::chrono_literals;

std::string const kRoot = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

TEST_CASE("checkpoint_note: given a three-line checkpoint, when looked at, then it is one", "[custody][AU-2]")
{
    CHECK(custody::is_checkpoint_note("example.org/log\n0\n" + kRoot + "\n"));
    CHECK(custody::is_checkpoint_note("example.org/log\n18446744073709551615\n" + kRoot + "\n"));
}

TEST_CASE("checkpoint_note: given any other text, when looked at, then it is none", "[custody][T-09][T-14]")
{
    for (auto const& bad : std::vector<std::string>{"", "\n\n\n", "example.org/log\n1\n" + kRoot,
             "example.org/log\n1\n" + kRoot + "\nextension\n", "\n1\n" + kRoot + "\n", "two words\n1\n" + kRoot + "\n",
             "a+b\n1\n" + kRoot + "\n", "a\x01\n1\n" + kRoot + "\n", "a\xc3\xa9\n1\n" + kRoot + "\n",
             std::string(257, 'a') + "\n1\n" + kRoot + "\n", "a\n01\n" + kRoot + "\n", "a\n-1\n" + kRoot + "\n", "a\n+1\n" + kRoot + "\n",
             "a\n1 \n" + kRoot + "\n", "a\n\n" + kRoot + "\n", "a\n18446744073709551616\n" + kRoot + "\n", "a\n1\nAAAA\n", "a\n1\n\n",
             "a\n1\n" + kRoot.substr(1) + "\n", "a\n1\n" + kRoot + "\r\n", "a\n1\nAAAA" + kRoot + "\n"}) {
        INFO(bad);
        CHECK_FALSE(custody::is_checkpoint_note(bad));
    }
}

std::string retention_note(proto::RetentionTerms const& terms, std::uint64_t size)
{
    auto text = "example.org/log\n" + std::to_string(size) + "\n" + kRoot + "\n" + proto::format_terms(terms);
    for (char const* const source : {"core", "gateway", "control", "custody", "storage", "sandbox", "edge", "audit"})
        text += std::string("chain ") + source + " 1 " + kRoot + "\n";
    return text;
}

constexpr std::int64_t kSigned = 1'790'000'000'000;
constexpr proto::RetentionTerms kTerms{500, 3, 9000, proto::kRetentionDaysFloor, kSigned - proto::kRetentionDaysFloor * proto::kDayMs, kSigned};

TEST_CASE("checkpoint_note: given retention terms that hold, when looked at, then they are signed, and only as what they are", "[custody][AU-7][T-39]")
{
    auto const note = retention_note(kTerms, 9001);
    CHECK(custody::is_note(proto::NoteKind::retention, note));
    CHECK_FALSE(custody::is_note(proto::NoteKind::checkpoint, note));
    CHECK_FALSE(custody::is_note(proto::NoteKind::retention, "example.org/log\n0\n" + kRoot + "\n"));
}

TEST_CASE("checkpoint_note: given terms that speak of a cold tier, when looked at, then they are signed where the manifest has those hot days, and nowhere else",
    "[custody][AU-7][T-44]")
{
    auto terms = kTerms;
    terms.newest_ms = kSigned - 90 * proto::kDayMs;
    CHECK_FALSE(custody::is_retention_note(retention_note(terms, 9001), 90));  // young, and no word for it
    terms.hot_days = 90;
    CHECK(custody::is_retention_note(retention_note(terms, 9001), 90));
    CHECK_FALSE(custody::is_retention_note(retention_note(terms, 9001), 30));
    CHECK_FALSE(custody::is_retention_note(retention_note(terms, 9001)));
    terms.newest_ms += 1;
    CHECK_FALSE(custody::is_retention_note(retention_note(terms, 9001), 90));
    terms = {500, 3, 9000, proto::kRetentionDaysFloor, kSigned - 29 * proto::kDayMs, kSigned, 29};
    CHECK_FALSE(custody::is_retention_note(retention_note(terms, 9001), 29));
}

TEST_CASE("checkpoint_note: given retention terms that do not hold, when looked at, then they are not signed", "[custody][AU-7][T-39]")
{
    auto const refused = [](proto::RetentionTerms terms, std::uint64_t size = 9001) { return !custody::is_retention_note(retention_note(terms, size)); };
    auto terms = kTerms;
    SECTION("a day below the floor") { terms.days -= 1; }
    SECTION("a millisecond too young") { terms.newest_ms += 1; }
    SECTION("before time began") { terms.newest_ms = -1; }
    SECTION("nothing removed") { terms.removed = 0; }
    SECTION("no segment") { terms.segment = 0; }
    SECTION("on record in what goes") { terms.event = terms.removed - 1; }
    SECTION("on record in what the tree does not have") { terms.event = 9001; }
    CHECK(refused(terms));
    auto const good = retention_note(kTerms, 9001);
    for (std::string_view const each : {"removed 500", "chain core 1", "chain audit 1", "days 2557"}) {
        auto altered = good;
        altered.replace(altered.find(each), each.size(), std::string(each.substr(0, each.rfind(' '))) + " 0" + std::string(each.substr(each.rfind(' ') + 1)));
        CHECK_FALSE(custody::is_retention_note(altered));
        altered = good;
        altered.replace(altered.find(each), 1, "x");
        CHECK_FALSE(custody::is_retention_note(altered));
    }
    CHECK_FALSE(custody::is_retention_note(good + "x\n"));
    CHECK_FALSE(custody::is_retention_note(good.substr(0, good.size() - 1)));
}

struct TokenTest {
    TokenTest() : keys(*custody::make_keys()) {}

    Result<std::string> mint(
        std::chrono::seconds life, std::string_view container = "ocu-s-1", SessionId session = SessionId{0x1122334455667788})
    {
        return custody::mint_session_token(keys.token_seed, keys.token_public, session, container, life, clock.wall());
    }
    Result<custody::SessionToken> verify(std::string_view token, std::string_view container = "ocu-s-1")
    {
        return custody::verify_session_token(keys.token_public, token, container, clock.wall());
    }

    custody::Keys keys;
    ManualClock clock;
};

TEST_CASE_METHOD(TokenTest, "session_token: given a token, when verified in time, then its session and times come out", "[custody][CU-5]")
{
    auto const token = mint(60s);
    REQUIRE(token);
    clock.advance(59s);
    auto const verified = verify(*token);
    REQUIRE(verified);
    CHECK(verified->session == SessionId{0x1122334455667788});
    CHECK(verified->container == "ocu-s-1");
    CHECK(verified->expires - verified->issued == 60);
}

TEST_CASE_METHOD(TokenTest, "session_token: given a token, when its life is over, then denied", "[custody][T-13]")
{
    auto const token = *mint(60s);
    clock.advance(60s);
    auto const verified = verify(token);
    REQUIRE_FALSE(verified);
    CHECK(verified.error().fault == Fault::denied);
}

TEST_CASE_METHOD(
    TokenTest, "session_token: given a life out of range, no session or a bad container, when minted, then refused", "[custody][T-01]")
{
    CHECK(mint(3600s));
    CHECK_FALSE(mint(3601s));
    CHECK_FALSE(mint(0s));
    CHECK_FALSE(mint(-1s));
    CHECK_FALSE(mint(60s, ""));
    CHECK_FALSE(mint(60s, "a b"));
    CHECK_FALSE(mint(60s, "a\"b"));
    CHECK_FALSE(mint(60s, std::string(65, 'a')));
    CHECK_FALSE(mint(60s, "a", SessionId{}));
}

TEST_CASE_METHOD(TokenTest, "session_token: given another container, another key or any one character changed, when verified, then refused",
    "[custody][T-01][T-11]")
{
    auto const token = *mint(60s);
    REQUIRE(verify(token));
    CHECK_FALSE(verify(token, "ocu-s-2"));
    auto const other = *custody::make_keys();
    CHECK_FALSE(custody::verify_session_token(other.token_public, token, "ocu-s-1", clock.wall()));
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto altered = token;
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        CHECK_FALSE(verify(altered));
    }
    CHECK_FALSE(verify(""));
    CHECK_FALSE(verify("."));
    CHECK_FALSE(verify(token + "A"));
    CHECK_FALSE(verify(token + "." + token));
}

TEST_CASE_METHOD(
    TokenTest, "session_token: given a payload of another form signed with the right key, when verified, then refused", "[custody][T-11]")
{
    auto const sign = [this](std::string_view form, std::int64_t life) {
        auto payload = wire::Json::object();
        auto const now = std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
        payload.set("typ", form).set("kid", custody::key_id(keys.token_public)).set("sid", "1122334455667788").set("ctr", "ocu-s-1");
        payload.set("iat", static_cast<std::int64_t>(now)).set("exp", static_cast<std::int64_t>(now + life));
        auto const text = payload.print();
        auto const body = crypto::to_base64url({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()});
        return body + "." + crypto::to_base64url(*crypto::ed25519_sign(keys.token_seed, keys.token_public, crypto::as_bytes(body)));
    };
    CHECK(verify(sign("ocu-session/1", 60)));
    CHECK_FALSE(verify(sign("ocu-session/2", 60)));
    CHECK_FALSE(verify(sign("ocu-session/1", 3601)));
    CHECK_FALSE(verify(sign("ocu-session/1", -1)));
}

}  // namespace test_custody_values
