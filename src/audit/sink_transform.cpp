// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_transform.h"

#include <algorithm>
#include <format>

#include "audit/reading.h"
#include "wire/json.h"

namespace ocu::audit {

namespace {

constexpr std::string_view kEcsVersion = "8.11.0";
constexpr std::string_view kNoSession = "0000000000000000";
constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr int kDelete = 0x7f;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == kDelete; }

// From OCSF's four to CEF's ten.
int cef_severity(std::int64_t severity) { return severity >= 1 && severity <= 4 ? static_cast<int>(severity) * 2 : 0; }

void set_text(wire::Json& object, std::string_view key, std::string_view value)
{
    if (!value.empty()) object.set(key, value);
}

void set_number(wire::Json& object, std::string_view key, std::int64_t value)
{
    if (value != 0) object.set(key, value);
}

wire::Json ecs_event(std::uint64_t number, std::string_view appliance, ReadRecord const& record)
{
    auto event = wire::Json::object();
    event.set("kind", "event").set("module", "ocu-appliance").set("dataset", "ocu-appliance." + record.source);
    event.set("action", record.action).set("outcome", record.success ? "success" : "failure");
    event.set("sequence", number).set("id", std::format("{}/{}", appliance, number));
    event.set("code", std::to_string(record.class_uid)).set("severity", record.severity);
    if (record.reason != "none") set_text(event, "reason", record.reason);
    set_number(event, "duration", std::min(record.duration_ms, INT64_MAX / kNanosecondsPerMillisecond) * kNanosecondsPerMillisecond);
    return event;
}

wire::Json ecs_own(ReadRecord const& record)
{
    auto own = wire::Json::object();
    if (record.session != kNoSession) set_text(own, "session", record.session);
    set_text(own, "resource", record.resource);
    set_text(own, "detail", record.detail);
    set_number(own, "number", record.number);
    set_number(own, "bytes", record.bytes);
    return own;
}

void add_text(std::string& out, std::string_view key, std::string_view value)
{
    if (!value.empty()) out += std::format(" {}={}", key, cef_value(value));
}

// A field of the sender's own naming: its value, and beside it what it is.
void add_labelled(std::string& out, std::string_view key, std::string_view label, std::string_view value)
{
    if (!value.empty()) out += std::format(" {}Label={} {}={}", key, label, key, cef_value(value));
}

std::string text_of(std::int64_t value) { return value == 0 ? std::string() : std::to_string(value); }

}  // namespace

std::string cef_header(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        if (c == '\\' || c == '|') out += '\\';
        out += is_control(c) ? ' ' : c;
    }
    return out;
}

std::string cef_value(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        if (c == '\n' || c == '\r') {
            out += c == '\n' ? "\\n" : "\\r";
            continue;
        }
        if (c == '\\' || c == '=') out += '\\';
        out += is_control(c) ? ' ' : c;
    }
    return out;
}

std::string to_ecs(std::uint64_t number, std::string_view appliance, std::string_view bytes)
{
    auto const record = read_record(bytes).value_or(ReadRecord{});
    auto observer = wire::Json::object();
    observer.set("name", appliance).set("vendor", "ocu").set("product", "ocu-appliance").set("version", OCU_VERSION);
    auto ecs = wire::Json::object();
    ecs.set("version", kEcsVersion);
    auto out = wire::Json::object();
    out.set("@timestamp", std::format("{:%FT%TZ}", record.time)).set("message", record.action).set("ecs", std::move(ecs));
    out.set("event", ecs_event(number, appliance, record)).set("observer", std::move(observer));
    auto const named = [&out](std::string_view object, std::string_view key, std::string const& value) {
        if (value.empty()) return;
        auto inner = wire::Json::object();
        inner.set(key, value);
        out.set(object, std::move(inner));
    };
    named("user", "name", record.actor);
    named("trace", "id", record.trace);
    out.set("ocu", ecs_own(record));
    return out.print();
}

std::string to_cef(std::uint64_t number, std::string_view appliance, std::string_view bytes)
{
    auto const record = read_record(bytes).value_or(ReadRecord{});
    auto const action = cef_header(record.action);
    auto out = std::format("CEF:0|ocu|ocu-appliance|{}|{}|{}|{}|rt={} externalId={}", cef_header(OCU_VERSION), action, action,
        cef_severity(record.severity), record.time.time_since_epoch().count(), number);
    add_text(out, "dvchost", appliance);
    add_text(out, "cat", record.source);
    add_text(out, "act", record.action);
    add_text(out, "outcome", record.success ? "success" : "failure");
    if (record.reason != "none") add_text(out, "reason", record.reason);
    add_text(out, "suser", record.actor);
    add_labelled(out, "cs1", "resource", record.resource);
    if (record.session != kNoSession) add_labelled(out, "cs2", "session", record.session);
    add_labelled(out, "cs3", "trace", record.trace);
    add_labelled(out, "cn1", "number", text_of(record.number));
    add_labelled(out, "cn2", "bytes", text_of(record.bytes));
    add_labelled(out, "cn3", "durationMs", text_of(record.duration_ms));
    add_text(out, "msg", record.detail);
    return out;
}

}  // namespace ocu::audit
