// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/sink_transform and audit/sink_lines. What others make of a record's fields, and that nothing in a value leaves its place.

#include <algorithm>

#include "audit/event.h"
#include "audit/sink_lines.h"
#include "audit/sink_transform.h"
#include "audit/tree.h"
#include "unit/audit/support.h"
#include "wire/json.h"

namespace test_sink_transform {

using namespace audit_support;

std::string record_of(std::string detail, std::string actor = "dev")
{
    proto::Event event;
    event.what = proto::What::egress_denied;
    event.outcome = proto::Outcome::failure;
    event.reason = proto::Reason::not_allowed;
    event.session = SessionId{0xabcd};
    event.trace = "t-1";
    event.actor = std::move(actor);
    event.resource = "example.org:443";
    event.detail = std::move(detail);
    event.number = 443;
    event.bytes = 12;
    event.duration_ms = 250;
    return to_record(event, {proto::Source::edge, WallTime(std::chrono::milliseconds(1'790'000'000'123)), {}, "box"});
}

proto::SinkConfig config_of(proto::SinkKind kind, proto::SinkFormat format, proto::SinkShape shape = {})
{
    proto::SinkConfig config;
    config.kind = kind;
    config.format = format;
    config.shape = shape;
    config.appliance = "box";
    return config;
}

wire::Json parsed(std::string_view text)
{
    auto json = wire::Json::parse(text);
    REQUIRE(json.has_value());
    return *std::move(json);
}

TEST_CASE("sink_transform: given a record, when it is made CEF, then each field is where ArcSight looks for it", "[audit][AU-6]")
{
    CHECK(to_cef(7, "box", record_of("why")) == std::string("CEF:0|ocu|ocu-appliance|") + OCU_VERSION +
                                                    "|egress_denied|egress_denied|6|rt=1790000000123 externalId=7 dvchost=box cat=edge "
                                                    "act=egress_denied outcome=failure reason=not_allowed "
                                                    "suser=dev cs1Label=resource cs1=example.org:443 cs2Label=session cs2=000000000000abcd "
                                                    "cs3Label=trace cs3=t-1 cn1Label=number cn1=443 "
                                                    "cn2Label=bytes cn2=12 cn3Label=durationMs cn3=250 msg=why");
}

TEST_CASE("sink_transform: given text with what CEF means something by, when it is escaped, then it is a value and nothing else",
    "[audit][AU-6][T-36]")
{
    CHECK(cef_header("a|b\\c=d\ne") == "a\\|b\\\\c=d e");
    CHECK(cef_value("a|b\\c=d\ne\rf\tg\x7f") == "a|b\\\\c\\=d\\ne\\rf g ");
    auto const cef = to_cef(1, "box", record_of("x\nCEF:0|evil|e|1|a|b|9|act=none suser=root", "a=b c=d"));
    CHECK(std::ranges::count(cef, '\n') == 0);
    CHECK(cef.contains("suser=a\\=b c\\=d "));
    CHECK(cef.contains("msg=x\\nCEF:0|evil|e|1|a|b|9|act\\=none suser\\=root"));
}

TEST_CASE("sink_transform: given a record, when it is made ECS, then its names are those of the schema", "[audit][AU-6]")
{
    auto const json = parsed(to_ecs(7, "box", record_of("say \"hi\"\n{}")));
    auto const top = json.view();
    CHECK(top["@timestamp"].string() == "2026-09-21T14:13:20.123Z");
    CHECK(top["message"].string() == "egress_denied");
    CHECK(top["ecs"]["version"].string() == "8.11.0");
    CHECK(top["event"]["kind"].string() == "event");
    CHECK(top["event"]["action"].string() == "egress_denied");
    CHECK(top["event"]["outcome"].string() == "failure");
    CHECK(top["event"]["reason"].string() == "not_allowed");
    CHECK(top["event"]["sequence"].integer() == 7);
    CHECK(top["event"]["id"].string() == "box/7");
    CHECK(top["event"]["dataset"].string() == "ocu-appliance.edge");
    CHECK(top["event"]["severity"].integer() == 3);
    CHECK(top["event"]["duration"].integer() == 250'000'000);
    CHECK(top["observer"]["name"].string() == "box");
    CHECK(top["user"]["name"].string() == "dev");
    CHECK(top["trace"]["id"].string() == "t-1");
    CHECK(top["ocu"]["session"].string() == "000000000000abcd");
    CHECK(top["ocu"]["detail"].string() == "say \"hi\"\n{}");
    CHECK(top["ocu"]["bytes"].integer() == 12);
}

TEST_CASE("sink_lines: given a record as it is, when its number is taken off, then it has the hash that the log has", "[audit][AU-6]")
{
    auto const record = record_of("why");
    auto const line = sink_bytes(config_of(proto::SinkKind::file, proto::SinkFormat::ocsf), 7, record);
    constexpr std::string_view kNumber = "{\"ocu_number\":7,";
    REQUIRE(line.starts_with(kNumber));
    CHECK("{" + line.substr(kNumber.size()) == record + "\n");
    CHECK(parsed(line).view()["ocu_number"].integer() == 7);
}

TEST_CASE("sink_lines: given a sink by syslog, when a record is framed, then it is RFC 5424 with its octets counted", "[audit][AU-6]")
{
    auto const record = record_of("a\nb");
    auto const frame = sink_bytes(config_of(proto::SinkKind::syslog, proto::SinkFormat::ocsf), 7, record);
    auto const space = frame.find(' ');
    auto const message = frame.substr(space + 1);
    CHECK(std::stoul(frame.substr(0, space)) == message.size());
    CHECK(
        message ==
        "<108>1 2026-09-21T14:13:20.123Z box ocu-appliance edge egress_denied [ocu@32473 number=\"7\" format=\"ocsf\"] {\"ocu_number\":7," +
            record.substr(1));
    CHECK(std::ranges::count(message, '\n') == 0);
}

TEST_CASE(
    "sink_lines: given Splunk's collector, when a record is wrapped, then it is one object with time, host and number", "[audit][AU-6]")
{
    auto const record = record_of("a\nb");
    for (auto const format : {proto::SinkFormat::ocsf, proto::SinkFormat::ecs, proto::SinkFormat::cef}) {
        auto const line = sink_bytes(config_of(proto::SinkKind::https, format, proto::SinkShape::splunk_hec), 7, record);
        CHECK(std::ranges::count(line, '\n') == 1);
        auto const json = parsed(line);
        CHECK(line.contains("\"time\":1790000000.123,"));
        CHECK(json.view()["host"].string() == "box");
        CHECK(json.view()["fields"]["ocu_number"].integer() == 7);
        CHECK(json.view()["sourcetype"].string() == "ocu:" + std::string(name_of(format)));
        CHECK(json.view()["event"].is_string() == (format == proto::SinkFormat::cef));
    }
}

TEST_CASE(
    "sink_lines: given bytes that are no record, when they are made a line, then it is one line and has the number", "[audit][AU-6][T-36]")
{
    for (std::string_view const record : {"", "x", "[1]", "{}", "{\"unmapped\":7}", "\n\n", "{\n}"}) {
        for (auto const format : {proto::SinkFormat::ocsf, proto::SinkFormat::ecs, proto::SinkFormat::cef}) {
            auto const line = sink_bytes(config_of(proto::SinkKind::file, format), 9, record);
            CHECK(std::ranges::count(line, '\n') == 1);
            CHECK(line.contains('9'));
        }
    }
}

}  // namespace test_sink_transform
