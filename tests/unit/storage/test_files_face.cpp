// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/files_face and files_text. A head becomes one wanted thing or a typed refusal that repeats nothing of it.
#include <catch2/catch_test_macros.hpp>

#include <set>

#include "storage/files_face.h"
#include "storage/files_text.h"
#include "storage/openapi.h"

namespace test_files_face {

using namespace ocu;
using namespace ocu::storage;
using Op = FilesOperation;
using proto::Reason;

FilesRules const kRules{{"127.0.0.1:8812", "localhost:8812"}, false, false, 1000, {"https://chat.example"}};

FilesDecision judge(std::string method, std::string target, std::vector<wire::HttpHeader> headers = {}, FilesRules const& rules = kRules)
{
    wire::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    return judge_files_request(rules, request, "trace7");
}

FilesDecision ask(std::string method, std::string target, std::vector<wire::HttpHeader> more = {})
{
    more.push_back({"Host", "localhost:8812"});
    more.push_back({"Authorization", "Bearer key"});
    return judge(std::move(method), std::move(target), std::move(more));
}

wire::HttpResponse refusal(FilesDecision const& decision)
{
    auto const* const response = std::get_if<wire::HttpResponse>(&decision);
    return response == nullptr ? wire::HttpResponse{0} : *response;
}

std::string_view wanted_path(FilesDecision const& decision)
{
    auto const* const wanted = std::get_if<FilesRequest>(&decision);
    return wanted == nullptr ? "(refused)" : std::string_view(wanted->path);
}

TEST_CASE("files_face: given our host, when health or the document is asked, then it is told to anybody", "[storage][SB-6]")
{
    auto const healthy = refusal(judge("GET", "/health?x=1", {{"host", "LOCALHOST:8812"}}));
    CHECK(healthy.status == 200);
    CHECK(healthy.body == R"({"status":"healthy"})");
    CHECK(refusal(judge("GET", "/openapi.json", {{"host", "localhost:8812"}})).body == kOpenApi);
    CHECK(wire::Json::parse(kOpenApi).has_value());
    CHECK(refusal(judge("POST", "/health", {{"host", "localhost:8812"}})).status == 405);
}

TEST_CASE("files_face: given no host, two hosts or a foreign one, when anything is asked, then it is refused", "[storage][T-02]")
{
    CHECK(refusal(judge("GET", "/health")).status == 400);
    CHECK(refusal(judge("GET", "/health", {{"Host", "localhost:8812"}, {"Host", "localhost:8812"}})).status == 400);
    auto const rebound = refusal(judge("GET", "/health", {{"Host", "attacker.example:8812"}}));
    CHECK(rebound.status == 403);
    CHECK(rebound.refused_as == "forbidden");
    CHECK(rebound.body.find("trace7") != std::string::npos);
}

TEST_CASE("files_face: given paths that are tricks, when they are asked for, then none is a path", "[storage][SB-2][T-08]")
{
    CHECK(wanted_path(ask("GET", "/v1/files/uploads/a%20b/c")) == "uploads/a b/c");
    CHECK(wanted_path(ask("GET", "/v1/files/outputs/%C3%BC")) == "outputs/\xc3\xbc");
    for (std::string const bad : {"uploads/..", "uploads/%2e%2e/x", "uploads/a%2fb", "uploads/a%2Fb", "uploads//a", "uploads/",
             "etc/passwd", "", "/uploads/a", "uploads/%00", "uploads/%", "uploads/%4", "uploads/%zz", "uploads/./a", "..", "Uploads/a"}) {
        INFO(bad);
        auto const refused = refusal(ask("GET", "/v1/files/" + bad));
        CHECK(refused.status == 400);
        CHECK(refused.body.find("passwd") == std::string::npos);
    }
    CHECK(refusal(ask("GET", "/v1/files/uploads/" + std::string(256, 'n'))).status == 400);
    CHECK(wanted_path(ask("GET", "/v1/files/uploads/" + std::string(255, 'n'))).size() == 263);
    CHECK(refusal(ask("GET", "/v1/files?path=uploads/../outputs")).status == 400);
    CHECK(refusal(ask("GET", "/v1/files?path=outputs&cursor=Li4")).status == 400);
    CHECK(refusal(ask("GET", "/v1/files?path=outputs&limit=0")).status == 400);
    CHECK(refusal(ask("GET", "/v1/files?path=outputs&admin=1")).status == 400);
    CHECK(refusal(ask("PUT", "/v1/files/outputs/a")).status == 403);
}

TEST_CASE("files_face: given requests, when they are read, then each asks for one intent", "[storage][SB-5]")
{
    auto const intents = [](FilesDecision const& decision) { return std::get<FilesRequest>(decision).intents; };
    CHECK(intents(ask("GET", "/v1/files/uploads/a")) == proto::kReadIntent);
    CHECK(intents(ask("HEAD", "/v1/files/uploads/a")) == proto::kReadIntent);
    CHECK(intents(ask("GET", "/v1/preview/uploads/a")) == proto::kPreviewIntent);
    CHECK(intents(ask("PUT", "/v1/files/uploads/a")) == proto::kWriteIntent);
    CHECK(intents(ask("DELETE", "/v1/files/outputs/a")) == proto::kWriteIntent);
    CHECK(intents(ask("GET", "/v1/archive?path=outputs")) == proto::kReadIntent);
    CHECK(intents(ask("GET", "/v1/manifest")) == proto::kReadIntent);
    CHECK(intents(ask("POST", "/v1/files", {{"Content-Type", "multipart/form-data; boundary=b"}})) == proto::kWriteIntent);
    CHECK(refusal(ask("POST", "/v1/files", {{"Content-Type", "application/json"}})).status == 415);
    CHECK(refusal(ask("PATCH", "/v1/files/uploads/a")).status == 405);
    CHECK(refusal(ask("POST", "/v1/preview/uploads/a")).status == 405);
}

TEST_CASE("files_face: given what a request shows, when it is read, then a bearer comes before a cookie, and nothing is nobody",
    "[storage][T-01]")
{
    auto const cookie = wire::HttpHeader{"Cookie", "a=b; ocu_files=value; c=d"};
    auto const host = wire::HttpHeader{"Host", "localhost:8812"};
    auto const both = std::get<FilesRequest>(ask("GET", "/v1/manifest", {cookie, {"X-Chat-Id", "c1"}}));
    CHECK(both.shown == proto::FilesShown::bearer);
    CHECK(both.chat == "c1");
    auto const browser = std::get<FilesRequest>(judge("GET", "/v1/manifest", {host, cookie}));
    CHECK(browser.shown == proto::FilesShown::cookie);
    CHECK(browser.secret == "value");
    CHECK(refusal(judge("GET", "/v1/manifest", {host})).status == 401);
    CHECK(refusal(judge("GET", "/v1/manifest", {host, {"Cookie", "ocu_files=1; ocu_files=2"}})).status == 401);
    CHECK(refusal(judge("GET", "/v1/manifest", {host, cookie, {"Authorization", "Basic eA=="}})).status == 401);
    CHECK(refusal(ask("GET", "/v1/manifest", {{"X-Chat-Id", "a/b"}})).status == 400);
    auto strict = kRules;
    strict.chat_required = true;
    CHECK(refusal(judge("GET", "/v1/manifest", {host, {"Authorization", "Bearer key"}}, strict)).status == 400);
}

TEST_CASE("files_face: given a change by a browser, when another origin says it, then it is refused before anybody is asked",
    "[storage][SB-6][T-02]")
{
    auto const change = [](std::string origin) {
        return judge("PUT", "/v1/files/uploads/a", {{"Host", "localhost:8812"}, {"Cookie", "ocu_files=v"}, {"Origin", std::move(origin)}});
    };
    CHECK(refusal(change("https://elsewhere.example")).status == 403);
    CHECK(refusal(change("null")).status == 403);
    CHECK(refusal(change("https://localhost:8812")).status == 403);  // not the scheme that is served
    CHECK(std::holds_alternative<FilesRequest>(change("http://localhost:8812")));
    CHECK(refusal(judge("POST", "/v1/session", {{"Host", "localhost:8812"}, {"Origin", "https://elsewhere.example"}})).status == 403);
}

TEST_CASE("files_face: given a head, when its body is chosen, then uploads are streamed and nothing else is large", "[storage][SB-7]")
{
    using How = wire::HttpBodyChoice::How;
    auto const upload = body_of(kRules, ask("PUT", "/v1/files/uploads/a"));
    CHECK(upload.how == How::streamed);
    CHECK(upload.bytes_max == 1000);
    CHECK(body_of(kRules, ask("POST", "/v1/embed-tokens")).bytes_max == 4096);
    CHECK(body_of(kRules, ask("GET", "/v1/manifest")).bytes_max == 0);
    CHECK(body_of(kRules, ask("PUT", "/v1/files/outputs/a")).refusal->status == 403);
}

TEST_CASE("files_face: given cookies, when they are made, then only TLS makes one for a frame of another site's", "[storage][SB-6]")
{
    auto tls = kRules;
    tls.tls = true;
    CHECK(cookie_header(tls, "v", 9) == "ocu_files=v; Path=/; HttpOnly; Secure; SameSite=None; Max-Age=9");
    CHECK(cookie_header(kRules, "v", 9) == "ocu_files=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=9");
}

TEST_CASE("files_text: given ranges, when they are read, then one part, the whole, or none", "[storage][SB-6]")
{
    auto const part = [](std::string_view header, std::uint64_t size) {
        auto const range = range_of(header, size);
        if (range) return std::to_string(range->first) + "+" + std::to_string(range->bytes);
        return std::string(range.error() == NoRange::whole ? "whole" : "none");
    };
    CHECK(part("bytes=0-0", 10) == "0+1");
    CHECK(part("bytes=5-", 10) == "5+5");
    CHECK(part("bytes=-3", 10) == "7+3");
    CHECK(part("bytes=-30", 10) == "0+10");
    CHECK(part("bytes=5-100", 10) == "5+5");
    CHECK(part("bytes=10-", 10) == "none");
    CHECK(part("bytes=-0", 10) == "none");
    CHECK(part("bytes=0-", 0) == "none");
    CHECK(part("bytes=5-4", 10) == "whole");
    CHECK(part("bytes=0-1,3-4", 10) == "whole");
    CHECK(part("bytes=99999999999999999999-", 10) == "whole");
    CHECK(part("lines=1-2", 10) == "whole");
    CHECK(part("bytes=-", 10) == "whole");
}

TEST_CASE("files_text: given a name of any bytes, when it is put into a header, then no quote and no line end is in it", "[storage][T-02]")
{
    auto const header = disposition("attachment", "outputs/a\"b\r\nX: y\xff\\");
    CHECK(header.find('\r') == std::string::npos);
    CHECK(header.find('\n') == std::string::npos);
    CHECK(header.starts_with("attachment; filename=\"a_b__X: y__\"; filename*=UTF-8''a%22b%0D%0AX%3A%20y"));
    CHECK(names_etag("\"a\", W/\"b\"", "\"b\""));
    CHECK_FALSE(names_etag("\"ab\"", "\"b\""));
    CHECK(timestamp(1'767'225'599'123'456'789) == "2025-12-31T23:59:59.123Z");
}

TEST_CASE(
    "files_face: given a wish for an embed token, when it is read, then it says for whom, or is refused whole", "[storage][T-30][SB-6]")
{
    auto const own = token_wish_in(R"({"intents":["read","write"]})");
    REQUIRE(own.has_value());
    CHECK(own->caller.empty());
    CHECK(own->intents == (proto::kReadIntent | proto::kWriteIntent));
    CHECK(token_wish_in(R"({"caller":"dev","intents":["preview"]})")->caller == "dev");
    for (auto const* const bad : {R"({"caller":"dev"})", R"({"intents":["read"],"caller":""})", R"({"intents":["read"],"caller":7})",
             R"({"intents":["read"],"caller":null})", R"({"intents":["read"],"more":1})", R"({"intents":[],"caller":"dev"})",
             R"({"intents":["read"],"caller":"dev","caller":"other"})"})
        CHECK_FALSE(token_wish_in(bad).has_value());
    CHECK_FALSE(token_wish_in(R"({"intents":["read"],"caller":")" + std::string(65, 'c') + R"("})").has_value());
}

TEST_CASE("files_text: given a refused archive, when it is answered, then each rule has its word and a sentence", "[storage][T-32][SB-7]")
{
    std::set<std::string> sentences;
    for (std::size_t i = 1; i <= static_cast<std::size_t>(proto::ArchiveRule::kLast); ++i) {
        auto const rule = static_cast<proto::ArchiveRule>(i);
        auto const response = archive_error(rule, "t1");
        CHECK(response.status == 422);
        CHECK(response.refused_as == "archive_refused");
        CHECK(response.body.contains("\"rule\":\"" + std::string(proto::name_of(rule)) + "\""));
        sentences.insert(response.body.substr(response.body.find("message"), 60));
    }
    CHECK(sentences.size() == static_cast<std::size_t>(proto::ArchiveRule::kLast));
    CHECK(files_error(Reason::type_denied, "t1").status == 403);
    CHECK(files_error(Reason::archive_refused, "t1").status == 422);
}

}  // namespace test_files_face
