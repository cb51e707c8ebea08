// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/resource_face. Which URIs and cursors name a file of a session, and how what was found looks to a client.
#include "gateway/resource_face.h"

#include <catch2/catch_test_macros.hpp>

#include "base/crypto/crypto.h"

namespace test_resource_face {

using namespace ocu;
using namespace ocu::gateway;
using proto::Reason;
using proto::ResourceOutcome;
using proto::ResourceVerb;

struct Reply {
    Reply(ResourceReply const& reply) : status(reply.status), json(wire::Json::parse(reply.body).value()) {}
    wire::JsonView result() const { return json.view()["result"]; }
    wire::JsonView error() const { return json.view()["error"]; }
    unsigned status;
    wire::Json json;
};

ResourceAsked asked(ResourceVerb verb, Era era = Era::handshake, std::string path = "outputs/a.bin")
{
    ResourceAsked made{era, "7", "chat", {}, {}};
    made.ask.verb = verb;
    if (verb == ResourceVerb::read) {
        made.uri = uri_of(path);
        made.ask.path = path;
    }
    return made;
}

proto::FrontResource told(ResourceOutcome outcome, Reason reason = Reason::none)
{
    proto::FrontResource made;
    made.trace = "trace01";
    made.reason = reason;
    made.answer.outcome = outcome;
    return made;
}

TEST_CASE("resource_face: given a path, when it is written as a URI, then it reads back the same", "[gateway][GW-10]")
{
    for (std::string const& path :
        std::vector<std::string>{"outputs/a", "uploads/d/e f.txt", "outputs/\xc3\xa4\xff%41?#", "outputs/..", "outputs/a//b"}) {
        CAPTURE(path);
        CHECK(path_of_uri(uri_of(path)) == path);
        CHECK(path_of_cursor(cursor_of(path)) == path);
    }
    CHECK(uri_of("outputs/a b%") == "file:///mnt/user-data/outputs/a%20b%25");
}

TEST_CASE("resource_face: given a URI of something else, when it is read, then it names no file", "[gateway][GW-10][T-08]")
{
    for (std::string_view const uri :
        {"", "file:///etc/passwd", "file:///mnt/user-data/", "file:///mnt/user-data/other/x", "file:///mnt/user-data/../outputs/x",
            "http://outputs/x", "file:///mnt/user-data/outputs/%", "file:///mnt/user-data/outputs/%4", "file:///mnt/user-data/outputs/%zz",
            "file:///mnt/user-data/outputs/a%00b", "file:///mnt/user-data/outputs/a?b", "file:///mnt/user-data/outputs/a#b",
            "FILE:///mnt/user-data/outputs/a", "file://host/mnt/user-data/outputs/a"}) {
        CAPTURE(uri);
        CHECK_FALSE(path_of_uri(uri));
    }
    CHECK_FALSE(path_of_uri("file:///mnt/user-data/outputs/" + std::string(proto::kPathBytesMax, 'x')));
    for (std::string_view const cursor : {"!", "b3V0", "L2V0Yy9wYXNzd2Q", "b3V0cHV0cy94="}) CHECK_FALSE(path_of_cursor(cursor));
}

TEST_CASE("resource_face: given a page, when it is told, then each file has its URI and a cursor leads on", "[gateway][GW-10]")
{
    auto answer = told(ResourceOutcome::done);
    answer.answer.entries.push({"outputs/d/r.csv", 12, "text/csv"});
    answer.answer.entries.push({"uploads/x", 0, "text/plain"});
    Reply const one(reply_of(asked(ResourceVerb::list), answer));
    REQUIRE(one.result()["resources"].size() == 2);
    auto const first = one.result()["resources"].at(0);
    CHECK(first["uri"].string() == "file:///mnt/user-data/outputs/d/r.csv");
    CHECK(first["name"].string() == "r.csv");
    CHECK(first["size"].integer() == 12);
    CHECK(first["mimeType"].string() == "text/csv");
    CHECK(one.result()["resources"].at(1)["mimeType"].string() == "text/plain");
    CHECK_FALSE(one.result()["nextCursor"]);
    answer.answer.more = true;
    Reply const more(reply_of(asked(ResourceVerb::list, Era::stateless), answer));
    CHECK(path_of_cursor(more.result()["nextCursor"].string().value()) == "uploads/x");
    CHECK(more.result()["ttlMs"].integer() == 0);
    CHECK(more.result()["cacheScope"].string() == "private");
    CHECK(more.result()["resultType"].string() == "complete");
}

TEST_CASE("resource_face: given a file, when it is told, then text is text and anything else is base64", "[gateway][GW-10]")
{
    auto answer = told(ResourceOutcome::done);
    answer.answer.body = "gr\xc3\xbc\xc3\x9f\n";
    answer.answer.media_type = "text/plain";
    Reply const text(reply_of(asked(ResourceVerb::read, Era::handshake, "outputs/a"), answer));
    auto const item = text.result()["contents"].at(0);
    CHECK(item["uri"].string() == "file:///mnt/user-data/outputs/a");
    CHECK(item["text"].string() == "gr\xc3\xbc\xc3\x9f\n");
    CHECK(item["mimeType"].string() == "text/plain");
    CHECK_FALSE(item["blob"]);
    for (std::string const& bytes : {std::string("a\0b", 3), std::string("\xff\xfe")}) {
        answer.answer.body = bytes;
        answer.answer.media_type = "application/octet-stream";
        Reply const binary(reply_of(asked(ResourceVerb::read, Era::handshake, "outputs/a"), answer));
        auto const blob = binary.result()["contents"].at(0);
        CHECK_FALSE(blob["text"]);
        CHECK(blob["mimeType"].string() == "application/octet-stream");
        auto const back = crypto::from_base64(blob["blob"].string().value()).value();
        CHECK(std::string(back.begin(), back.end()) == bytes);
    }
}

TEST_CASE("resource_face: given what cannot be told, when it is answered, then the error has a stable code", "[gateway][GW-9][GW-10]")
{
    struct Row {
        ResourceOutcome outcome;
        int code;
        std::string_view name;
    };
    for (auto const& row : {Row{ResourceOutcome::no_such, -32002, "resource_not_found"},
             Row{ResourceOutcome::too_large, -31000, "resource_too_large"}, Row{ResourceOutcome::withheld, -31000, "not_downloadable"},
             Row{ResourceOutcome::type_denied, -31000, "type_denied"}, Row{ResourceOutcome::failed, -31000, "internal"}}) {
        CAPTURE(row.name);
        Reply const reply(reply_of(asked(ResourceVerb::read), told(row.outcome)));
        CHECK(reply.status == 200);
        CHECK(reply.error()["code"].integer() == row.code);
        CHECK(reply.error()["message"].string() == row.name);
        CHECK(reply.error()["data"]["correlationId"].string() == "trace01");
    }
    Reply const later(reply_of(asked(ResourceVerb::read, Era::stateless), told(ResourceOutcome::no_such)));
    CHECK(later.error()["code"].integer() == -32602);
    Reply const busy(reply_of(asked(ResourceVerb::list), told(ResourceOutcome::done, Reason::rate_exceeded)));
    CHECK(busy.status == 429);
    Reply const unrecorded(reply_of(asked(ResourceVerb::read), told(ResourceOutcome::done, Reason::audit_unavailable)));
    CHECK(unrecorded.error()["message"].string() == "audit_unavailable");
}

}  // namespace test_resource_face
