// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/reading.h"

#include <charconv>
#include <format>

#include "audit/limits.h"
#include "base/moment.h"
#include "base/printable.h"
#include "wire/json.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kSessionDigits = 16;
constexpr std::string_view kNoSession = "0000000000000000";
constexpr std::size_t kRecordDepthMax = 8;
constexpr std::int64_t kTimeMsMax = 253'402'300'799'999;  // the last that has four digits for its year
constexpr std::size_t kActionsMax = 256;  // far more than there are; a hostile log has no more either

std::string text_of(wire::JsonView value) { return std::string(value.string().value_or("")); }

bool is_this_session(std::string_view wanted, ReadRecord const& record)
{
    return record.session == wanted || (record.resource.starts_with("s-") && std::string_view(record.resource).substr(2) == wanted);
}

// "name=value", only where there is one.
void add_field(std::string& line, std::string_view name, std::int64_t value)
{
    if (value != 0) line += std::format(" {}={}", name, value);
}

}  // namespace

std::optional<ReadRecord> read_record(std::string_view record)
{
    auto const parsed = wire::Json::parse(record, {.bytes_max = kRecordBytesMax, .depth_max = kRecordDepthMax});
    if (!parsed) return std::nullopt;
    auto const top = parsed->view();
    auto const envelope = top["unmapped"];
    auto const time = top["time"].integer();
    auto const class_uid = top["class_uid"].integer();
    if (!envelope.is_object() || !time || *time < 0 || *time > kTimeMsMax) return std::nullopt;
    if (!class_uid || *class_uid < 0 || *class_uid > UINT32_MAX) return std::nullopt;
    ReadRecord out;
    out.time = WallTime(std::chrono::milliseconds(*time));
    out.class_uid = static_cast<std::uint32_t>(*class_uid);
    out.severity = top["severity_id"].integer().value_or(0);
    out.source = text_of(top["metadata"]["log_name"]);
    out.action = text_of(envelope["action"]);
    out.session = text_of(envelope["session"]);
    out.actor = text_of(envelope["actor"]);
    out.resource = text_of(envelope["resource"]);
    out.reason = text_of(envelope["reason"]);
    out.detail = text_of(envelope["detail"]);
    out.trace = text_of(envelope["trace"]);
    out.success = envelope["outcome"].string() == "success";
    out.number = envelope["number"].integer().value_or(0);
    out.bytes = envelope["bytes"].integer().value_or(0);
    out.duration_ms = top["duration"].integer().value_or(0);
    return out;
}

bool matches(Wanted const& wanted, ReadRecord const& record)
{
    auto const is = [](std::string const& asked, std::string const& has) { return asked.empty() || asked == has; };
    if (!wanted.session.empty() && !is_this_session(wanted.session, record)) return false;
    if (!is(wanted.actor, record.actor) || !is(wanted.action, record.action) || !is(wanted.source, record.source)) return false;
    if (wanted.class_uid && *wanted.class_uid != record.class_uid) return false;
    if (wanted.success && *wanted.success != record.success) return false;
    return (!wanted.since || record.time >= *wanted.since) && (!wanted.until || record.time <= *wanted.until);
}

std::optional<WallTime> read_time(std::string_view text, WallTime now)
{
    if (auto const moment = parse_moment(text)) return WallTime(std::chrono::seconds(*moment));
    std::uint32_t count = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end + 1 != text.data() + text.size()) return std::nullopt;
    switch (*end) {
    case 's': return now - std::chrono::seconds(count);
    case 'm': return now - std::chrono::minutes(count);
    case 'h': return now - std::chrono::hours(count);
    case 'd': return now - std::chrono::days(count);
    default: return std::nullopt;
    }
}

std::optional<std::string> read_session(std::string_view text)
{
    if (text.starts_with("s-")) text.remove_prefix(2);
    bool const hex = std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (!hex || text.size() != kSessionDigits || text == kNoSession) return std::nullopt;
    return std::string(text);
}

std::string line_of(ReadRecord const& record)
{
    auto const dash = [](std::string const& text) { return text.empty() ? std::string("-") : printable(text); };
    bool const reasoned = !record.reason.empty() && record.reason != "none";  // also of what went well: why a session ended
    auto const outcome = reasoned ? printable(record.reason) : record.success ? std::string("ok") : std::string("failed");
    auto const session = record.session.empty() || record.session == kNoSession ? std::string("-") : "s-" + printable(record.session);
    auto line = std::format("{:%F %T}  {:<8} {:<20} {:<14} {:<18} {}  {}", record.time, printable(record.source), printable(record.action),
        outcome, session, dash(record.actor), dash(record.resource));
    if (!record.detail.empty()) line += "  " + printable(record.detail);
    add_field(line, "number", record.number);
    add_field(line, "bytes", record.bytes);
    add_field(line, "ms", record.duration_ms);
    return line;
}

void Replay::add(ReadRecord const& record)
{
    if (records_++ == 0) first_ = record.time;
    last_ = record.time;
    if (record.action == "session_create") caller_ = record.actor;
    if (record.action == "operator_action")
        operator_ = std::format("{:%F %T} {} by {}", record.time, printable(record.detail), printable(record.actor));
    if (record.action == "session_destroy" || record.action == "session_failed")
        ended_ = std::format("{:%F %T} {}, {}", record.time, record.action, record.reason.empty() ? "none" : printable(record.reason));
    if (counts_.size() >= kActionsMax && !counts_.contains(record.action)) return;
    auto& count = counts_[record.action];
    ++(record.success ? count.done : count.failed);
}

std::string Replay::summary() const
{
    auto out = std::format(
        "{} records, {:%F %T} to {:%F %T}; caller {}\n", records_, first_, last_, caller_.empty() ? "not on record" : printable(caller_));
    for (auto const& [action, count] : counts_) {
        out += std::format("  {:<20} {}", printable(action), count.done + count.failed);
        if (count.failed != 0) out += std::format(", {} of them refused or failed", count.failed);
        out += '\n';
    }
    if (!operator_.empty()) out += "  last operator's action on it: " + operator_ + "\n";
    out += ended_.empty() ? "  its end is not on record: it lives, or the machine stopped\n" : "  ended: " + ended_ + "\n";
    return out;
}

}  // namespace ocu::audit
