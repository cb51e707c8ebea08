// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_lines.h"

#include <format>

#include "audit/reading.h"
#include "audit/sink_transform.h"
#include "wire/json.h"

namespace ocu::audit {

using proto::SinkFormat;
using proto::SinkKind;

namespace {

constexpr int kFacility = 13;  // log audit (RFC 5424, 6.2.1)
constexpr std::size_t kHostBytesMax = 255;
constexpr std::size_t kMessageIdBytesMax = 32;

// From OCSF's four to syslog's: informational, notice, warning, error.
int syslog_severity(std::int64_t severity) { return severity >= 1 && severity <= 4 ? 7 - static_cast<int>(severity) : 6; }

// A field of the header: printable, no space, not empty.
std::string header_field(std::string_view text, std::size_t most)
{
    std::string out;
    for (char const c : text.substr(0, most)) out += c > ' ' && c < 0x7f ? c : '_';
    return out.empty() ? "-" : out;
}

std::string body_of(proto::SinkConfig const& config, std::uint64_t number, std::string_view record)
{
    switch (config.format) {
    case SinkFormat::ocsf: return numbered_record(number, record);
    case SinkFormat::ecs: return to_ecs(number, config.appliance.view(), record);
    case SinkFormat::cef: return to_cef(number, config.appliance.view(), record);
    }
    OCU_ASSERT(false);
}

// RFC 5424, framed as RFC 5425 wants it: by counting octets.
std::string syslog_frame(proto::SinkConfig const& config, std::uint64_t number, std::string_view record)
{
    auto const read = read_record(record).value_or(ReadRecord{});
    auto const message = std::format("<{}>1 {:%FT%TZ} {} ocu-appliance {} {} [ocu@32473 number=\"{}\" format=\"{}\"] {}",
        kFacility * 8 + syslog_severity(read.severity), read.time, header_field(config.appliance.view(), kHostBytesMax),
        header_field(read.source, kMessageIdBytesMax), header_field(read.action, kMessageIdBytesMax), number, name_of(config.format),
        body_of(config, number, record));
    return std::to_string(message.size()) + " " + message;
}

// What Splunk's HTTP event collector takes: objects, one after another.
std::string splunk_object(proto::SinkConfig const& config, std::uint64_t number, std::string_view record)
{
    auto const read = read_record(record).value_or(ReadRecord{});
    auto const ms = read.time.time_since_epoch().count();
    auto const body = body_of(config, number, record);
    return std::format(
               R"({{"time":{}.{:03},"host":{},"source":"ocu-appliance","sourcetype":"ocu:{}","fields":{{"ocu_number":{}}},"event":{}}})",
               ms / 1000, ms % 1000, wire::Json::string(config.appliance.view()).print(), name_of(config.format), number,
               config.format == SinkFormat::cef ? wire::Json::string(body).print() : body) +
           "\n";
}

}  // namespace

// A record is one compact JSON object, so without this beginning it is the record again, and its hash the log's.
std::string numbered_record(std::uint64_t number, std::string_view record)
{
    if (!record.starts_with('{') || record.find_first_of("\r\n") != std::string_view::npos)
        return std::format("{{\"ocu_number\":{}}}", number);
    return std::format("{{\"ocu_number\":{},", number) + std::string(record.substr(1));
}

std::string sink_bytes(proto::SinkConfig const& config, std::uint64_t number, std::string_view record)
{
    if (config.kind == SinkKind::syslog) return syslog_frame(config, number, record);
    if (config.kind == SinkKind::https && config.shape == proto::SinkShape::splunk_hec) return splunk_object(config, number, record);
    return body_of(config, number, record) + "\n";
}

}  // namespace ocu::audit
