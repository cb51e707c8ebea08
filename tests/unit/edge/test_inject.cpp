// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/inject and src/edge/strip: where a token is taken for one, what a credential becomes, and that it does not come back (T-12).

#include <catch2/catch_test_macros.hpp>

#include "base/crypto/crypto.h"
#include "edge/inject.h"
#include "edge/strip.h"

namespace test_inject {

using namespace ocu;
using namespace ocu::edge;

std::string const kToken = "ocu-scoped-AbC_123-xyz";

std::string base64(std::string_view text) { return crypto::to_base64({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}); }
Secret secret(std::string_view text) { return *Secret::copy_of(std::as_bytes(std::span(text.data(), text.size()))); }
wire::RelayRequest with(std::vector<wire::HttpHeader> headers)
{
    wire::RelayRequest out;
    out.method = "GET";
    out.path = "/";
    out.headers = std::move(headers);
    return out;
}
std::string value(wire::RelayRequest const& request, std::string_view name)
{
    for (auto const& each : request.headers)
        if (wire::same_name(each.name, name)) return each.value;
    return "(none)";
}

TEST_CASE(
    "inject: given a header's value, when it presents the token in one of the forms, then it is found, else not", "[edge][EG-7][T-12]")
{
    for (auto const& good : {kToken, "Bearer " + kToken, "token " + kToken, "Basic " + base64("user:" + kToken),
             "basic " + base64(kToken + ":x-oauth-basic"), "Basic " + base64(kToken + ":"), "Basic " + base64(kToken)})
        CHECK(scoped_token_in(good) == kToken);
    for (auto const& bad : {std::string("Bearer x"), std::string("ocu-scoped-"), "Bearer  " + kToken, "Bearer " + kToken + ", " + kToken,
             kToken + "!", "x" + kToken, "Basic " + base64("user:x" + kToken), "Basic " + kToken.substr(1), std::string(),
             "ocu-scoped-" + std::string(200, 'a')})
        CHECK_FALSE(scoped_token_in(bad));
}

TEST_CASE(
    "inject: given a token, when it stands anywhere but in the named header once, then the request is not taken", "[edge][EG-7][T-12]")
{
    CHECK(presented_token(with({{"Authorization", "Bearer " + kToken}}), "authorization") == kToken);
    CHECK_FALSE(presented_token(with({{"X-Api-Key", kToken}}), "authorization"));
    CHECK_FALSE(presented_token(with({{"Authorization", kToken}, {"authorization", kToken}}), "authorization"));

    CHECK_FALSE(has_stray_token(with({{"Authorization", kToken}}), "authorization"));
    CHECK(has_stray_token(with({{"Authorization", kToken}}), ""));
    CHECK(has_stray_token(with({{"Cookie", "a=" + kToken}}), "authorization"));
    CHECK(has_stray_token(with({{"X-Other", "Basic " + base64("a:" + kToken)}}), "authorization"));
    CHECK(has_stray_token(with({{kToken, "1"}}), "authorization"));
    CHECK(has_stray_token(with({{"Referer", "http://x/?t=ocu%2Dscoped%2dabc"}}), "authorization"));
    auto request = with({});
    request.query = "?key=" + kToken;
    CHECK(has_stray_token(request, "authorization"));
    request.query = "?key=ocu%2dscoped-abc";
    CHECK(has_stray_token(request, "authorization"));
    request.query = "";
    request.path = "/" + kToken;
    CHECK(has_stray_token(request, "authorization"));
}

TEST_CASE("inject: given a format, when the credential is put into it, then the header has that value and no coding is asked for",
    "[edge][EG-7][T-12]")
{
    auto const credential = secret("user:pa55word");
    auto bearer =
        with({{"Authorization", "Bearer " + kToken}, {"Accept-Encoding", "gzip"}, {"Sec-WebSocket-Extensions", "permessage-deflate"}});
    REQUIRE(inject(bearer, "authorization", "Bearer {}", credential));
    CHECK(value(bearer, "authorization") == "Bearer user:pa55word");
    CHECK(value(bearer, "accept-encoding") == "identity");
    CHECK(value(bearer, "sec-websocket-extensions") == "(none)");
    auto basic = with({{"Authorization", kToken}});
    REQUIRE(inject(basic, "Authorization", "{basic}", credential));
    CHECK(value(basic, "authorization") == "Basic " + base64("user:pa55word"));
    forget_injected(basic, "authorization");
    CHECK_FALSE(value(basic, "authorization").contains("dXNl"));

    for (auto const* const format : {"Bearer", "{} {}", "{basic}{}", ""}) {
        auto request = with({{"Authorization", kToken}});
        CHECK_FALSE(inject(request, "authorization", format, credential));
        CHECK(value(request, "authorization") == kToken);
    }
    for (auto const& bad : {std::string("a\r\nX-Admin: 1"), std::string("a\nb"), std::string("a\0b", 3)}) {
        auto request = with({{"Authorization", kToken}});
        CHECK_FALSE(inject(request, "authorization", "{}", secret(bad)));
    }
}

std::string stripped(std::string_view credential, std::string_view text, Strip::Mode mode, std::size_t step)
{
    Strip strip(*CredentialPatterns::make(secret(credential)), mode);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) strip.feed(text.substr(at, step), false, out);
    strip.feed({}, true, out);
    return out;
}

TEST_CASE("strip: given a credential in each form, when a body has it in pieces of any size, then it is gone", "[edge][EG-7][T-12]")
{
    std::string const credential = "us/er+1:se\"cr&et~9/Zq==";
    std::string const password = credential.substr(credential.find(':') + 1);
    std::vector<std::string> forms{credential, password, "us%2Fer%2B1%3Ase%22cr%26et~9%2FZq%3D%3D",
        "us%2fer%2b1%3ase%22cr%26et~9%2fZq%3d%3d",
        "us/er+1:se\\\"cr&et~9/Zq==", "us\\/er+1:se\\\"cr&et~9\\/Zq==", "us/er+1:se&quot;cr&amp;et~9/Zq==", base64(credential)};
    for (auto const& form : forms) {
        INFO(form);
        for (std::size_t step = 1; step < 40; ++step) {
            CHECK(stripped(credential, "<" + form + ">" + form, Strip::Mode::text, step) == "<[redacted]>[redacted]");
            auto const filled = stripped(credential, "<" + form + ">", Strip::Mode::filled, step);
            CHECK(filled == "<" + std::string(form.size(), '*') + ">");
        }
    }
}

TEST_CASE(
    "strip: given a credential within something that is base64, when it has any offset, then no run of it is left", "[edge][EG-7][T-12]")
{
    std::string const credential = "sk-0123456789abcdefABCDEF";
    for (std::string before : {"", "a", "ab", "abc", "{\"k\":\""}) {
        auto const whole = base64(before + credential + "\"} and more");
        auto const out = stripped(credential, whole, Strip::Mode::text, 7);
        CHECK(out.contains(kRedacted));
        // What is left are a few bits at the ends.
        CHECK(out.size() <= whole.size() - credential.size() + kRedacted.size());
    }
}

TEST_CASE("strip: given text that only begins like it, when it ends or goes on otherwise, then it is unchanged", "[edge][EG-7]")
{
    std::string const credential = "aaaaaaab-key-0001";
    for (std::size_t step = 1; step < 20; ++step) {
        CHECK(stripped(credential, "aaaaaaaaaaaab-key-0002 aaaaaaab-key-00", Strip::Mode::text, step) ==
              "aaaaaaaaaaaab-key-0002 aaaaaaab-key-00");
        CHECK(stripped(credential, "aaaaaaaaab-key-0001", Strip::Mode::text, step) == "aa[redacted]");
    }
}

TEST_CASE("strip: given a message that ends like the beginning of it, when a moment passes, then it goes on and the rest is still caught",
    "[edge][EG-7][T-12]")
{
    Strip strip(*CredentialPatterns::make(secret("token-0123456789-abcdef")), Strip::Mode::filled);
    std::string out;
    strip.feed("wait", false, out);
    CHECK(out == "wai");
    strip.release(out);
    CHECK(out == "wait");
    strip.feed("oken-0123456789-abcdef!", false, out);
    CHECK(out == "wait" + std::string(22, '*') + "!");
    strip.feed(" token-0123", false, out);
    strip.release(out);
    CHECK(out.ends_with("! "));  // too much of it to let go
    strip.feed(" x", true, out);
    CHECK(out.ends_with("! token-0123 x"));
}

TEST_CASE("strip: given a type of content, when it is text, then lengths may change, else not", "[edge]")
{
    for (auto const* const text : {"", "text/html; charset=utf-8", "application/json", "application/problem+json", "image/svg+xml"})
        CHECK(strip_mode(text) == Strip::Mode::text);
    for (auto const* const other : {"application/octet-stream", "image/png", "application/gzip"})
        CHECK(strip_mode(other) == Strip::Mode::filled);
    CHECK_FALSE(CredentialPatterns::make(Secret{}));
}

}  // namespace test_inject
