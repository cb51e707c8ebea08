// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/event and audit/chain. Every event gives a record with OCSF's required fields and the mandatory envelope.

#include "audit/event.h"
#include "unit/audit/support.h"
#include "wire/json.h"

namespace test_event {

using namespace audit_support;

constexpr std::string_view kName = "box";

std::string record_of(proto::What what, ChainLink link = {})
{
    auto one = entry(2);
    one.event.what = what;
    one.event.outcome = proto::Outcome::failure;
    one.event.reason = proto::Reason::not_allowed;
    return to_record(one.event, {proto::Source::edge, one.time, link, kName});
}

TEST_CASE("event: given every kind of event, when mapped, then required fields and envelope are there", "[audit][AU-1]")
{
    for (std::size_t i = 0; i <= static_cast<std::size_t>(proto::What::kLast); ++i) {
        auto const json = wire::Json::parse(record_of(static_cast<proto::What>(i)));
        REQUIRE(json.has_value());
        auto const view = json->view();
        auto const of = [view](char const* key) { return view[key].integer().value_or(-1); };
        CHECK(of("category_uid") == of("class_uid") / 1000);
        CHECK(of("type_uid") == of("class_uid") * 100 + of("activity_id"));
        CHECK(of("severity_id") >= 1);
        CHECK(of("status_id") == 2);
        CHECK(of("time") == 1'790'000'000'002);
        CHECK(view["status_code"].string() == "not_allowed");
        CHECK(view["metadata"]["version"].string() == "1.8.0");
        CHECK(view["metadata"]["product"]["name"].string() == "ocu-appliance");
        CHECK(view["metadata"]["log_name"].string() == "edge");
        CHECK(view["metadata"]["correlation_uid"].string() == "trace-2");
        auto const unmapped = view["unmapped"];
        CHECK(unmapped["trace"].string() == "trace-2");
        CHECK(unmapped["session"].string() == "0000000000000003");
        CHECK(unmapped["actor"].string() == "dev");
        CHECK(unmapped["resource"].string() == "example.org:443");
        CHECK(unmapped["action"].string() == class_of(static_cast<proto::What>(i)).name);
        CHECK(unmapped["outcome"].string() == "failure");
        for (auto const* required : {"actor", "api", "src_endpoint"}) CHECK((of("class_uid") != 6003 || view[required]));
        for (auto const* required : {"actor", "device", "process"}) CHECK((of("class_uid") != 1007 || view[required]));
        for (auto const* required : {"actor", "device", "file"}) CHECK((of("class_uid") != 1001 || view[required]));
        for (auto const* required : {"user", "service"}) CHECK((of("class_uid") != 3002 || view[required]));
        for (auto const* required : {"user", "session", "privileges"}) CHECK((of("class_uid") != 3003 || view[required]));
        CHECK((of("class_uid") != 3004 || view["entity"]));
        CHECK((of("class_uid") != 4001 || view["dst_endpoint"]["port"].integer() == 443));
        CHECK((of("class_uid") != 4003 || view["query"]["hostname"]));
        for (auto const* required : {"http_request", "http_response", "dst_endpoint"}) CHECK((of("class_uid") != 4002 || view[required]));
    }
}

TEST_CASE(
    "event: given a request of a guest, when mapped, then method, host, path and status are where OCSF looks for them", "[audit][AU-1]")
{
    proto::Event event;
    event.what = proto::What::http_request;
    event.session = SessionId{3};
    event.resource = "api.example.org";
    event.number = 201;
    auto const mapped = [&](std::string_view detail) {
        event.detail = wire::Text<1024>(detail);
        return wire::Json::parse(to_record(event, {proto::Source::edge, {}, {}, kName})).value();
    };
    auto const json = mapped("POST /v1/items rule=api");
    CHECK(json.view()["class_uid"].integer() == 4002);
    CHECK(json.view()["activity_id"].integer() == 6);
    CHECK(json.view()["type_uid"].integer() == 400206);
    CHECK(json.view()["http_request"]["http_method"].string() == "POST");
    CHECK(json.view()["http_request"]["url"]["hostname"].string() == "api.example.org");
    CHECK(json.view()["http_request"]["url"]["path"].string() == "/v1/items");
    CHECK(json.view()["http_response"]["code"].integer() == 201);
    CHECK(mapped("BREW /pot").view()["activity_id"].integer() == 99);
    CHECK(mapped("GET").view()["http_request"]["url"]["path"].string() == "unknown");
    CHECK(mapped("").view()["http_request"]["http_method"].string() == "unknown");
}

TEST_CASE("event: given a connection that was let through, when mapped, then opened, closed with its bytes, and tripwire are told apart",
    "[audit][AU-1]")
{
    CHECK(class_of(proto::What::egress_opened).activity_id == 1);
    CHECK(class_of(proto::What::egress_closed).activity_id == 2);
    CHECK(class_of(proto::What::tripwire).activity_id == 6);
    proto::Event event;
    event.what = proto::What::egress_closed;
    event.resource = "api.example.org:443";
    event.number = 443;
    event.bytes = 4096;
    auto const json = wire::Json::parse(to_record(event, {proto::Source::edge, {}, {}, kName})).value();
    CHECK(json.view()["traffic"]["bytes"].integer() == 4096);
    CHECK(json.view()["dst_endpoint"]["port"].integer() == 443);
}

TEST_CASE("event: given the classes of the specification, when looked up, then each event is in its own", "[audit][AU-1]")
{
    CHECK(class_of(proto::What::tool_call_end).class_uid == 6003);
    CHECK(class_of(proto::What::operator_action).class_uid == 6003);
    for (auto const lease : {proto::What::lease_granted, proto::What::lease_refused, proto::What::lease_revoked})
        CHECK(class_of(lease).class_uid == 3003);
    CHECK(class_of(proto::What::caller_refused).class_uid == 3002);
    CHECK(class_of(proto::What::session_destroy).class_uid == 3004);
    CHECK(class_of(proto::What::helper_death).class_uid == 1007);
    CHECK(class_of(proto::What::egress_denied).class_uid == 4001);
    CHECK(class_of(proto::What::dns_denied).class_uid == 4003);
    CHECK(class_of(proto::What::mount_attach).activity_id == 12);
    CHECK(class_of(proto::What::log_repaired).name == "log_repaired");
}

TEST_CASE("event: given hostile text at its bounds, when mapped, then the record is bounded JSON on one line", "[audit][T-09]")
{
    proto::Event event;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(proto::What::kLast); ++i)
        for (char const filler : {'\x01', '"', '\xff', '\0'}) {
            event.what = static_cast<proto::What>(i);
            event.session = SessionId{1};
            event.trace = std::string(64, filler);
            event.actor = std::string(128, filler);
            event.resource = std::string(512, filler);
            event.detail = std::string(1024, filler);
            std::string const name(kOriginBytesMax, 'n');
            auto const record = to_record(event, {proto::Source::gateway, {}, {9, {}}, name});
            CHECK(record.size() <= kRecordBytesMax);
            CHECK(record.find('\n') == std::string::npos);
            CHECK(read_mark(record)->link.sequence == 9);
        }
}

TEST_CASE("chain: given records of one source, when chained, then each names its predecessor's hash", "[audit][T-09][AU-2]")
{
    Chains chains;
    auto const first = record_of(proto::What::egress_denied, chains.next(proto::Source::edge));
    auto const mark = read_mark(first);
    REQUIRE(mark.has_value());
    CHECK(mark->source == proto::Source::edge);
    CHECK(mark->link == ChainLink{});
    chains.advance(proto::Source::edge, first);
    auto const second = read_mark(record_of(proto::What::egress_denied, chains.next(proto::Source::edge)));
    REQUIRE(second.has_value());
    CHECK(second->link == ChainLink{2, crypto::sha256(first)});
    CHECK(chains.next(proto::Source::gateway) == ChainLink{});
}

TEST_CASE("chain: given records without a mark, when read, then they are malformed", "[audit][T-09]")
{
    for (char const* text : {"", "{}", "[]", R"({"metadata":{"log_name":"edge"}})", R"({"metadata":{"log_name":"nobody","sequence":1}})",
             R"({"metadata":{"log_name":"edge","sequence":0}})", R"({"metadata":{"log_name":"edge","sequence":1.5}})",
             R"({"metadata":{"log_name":"edge","sequence":2},"unmapped":{"attestation":{"prev_event":{"fingerprint":{"value":"00"}}}}})",
             R"({"metadata":{"log_name":"edge","sequence":2},"unmapped":{"attestation":{"prev_event":{}}}})"})
        CHECK_FALSE(read_mark(text).has_value());
}

}  // namespace test_event
