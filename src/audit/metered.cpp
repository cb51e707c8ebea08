// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/metered.h"

#include <charconv>
#include <format>
#include <limits>
#include <ranges>

#include "audit/limits.h"
#include "base/printable.h"
#include "wire/json.h"

namespace ocu::audit {

namespace {

using wire::Json;

// The value of `name=` among words; nothing when it is not there.
std::optional<std::string_view> value_of(std::string_view words, std::string_view name)
{
    for (auto const part : std::views::split(words, ' ')) {
        std::string_view const word(part.begin(), part.end());
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') return word.substr(name.size() + 1);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view words, std::string_view name)
{
    auto const text = value_of(words, name).value_or("");
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// A log that says more than there can be says the most.
std::uint64_t sum_of(std::uint64_t a, std::uint64_t b)
{
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    return b > kMost - a ? kMost : a + b;
}

std::string shown(std::string const& name) { return name.empty() ? "-" : printable(name); }

constexpr std::string_view kHead = "  records       cpu s  memory GiB h    mount read MiB  written MiB     egress up MiB   down MiB      calls   denied\n";

std::string cells(MeteredSum const& sum)
{
    constexpr double kMebi = 1024.0 * 1024.0;
    auto const of = [&sum](std::size_t i) { return static_cast<double>(sum.usage[i]); };
    return std::format("{:>9} {:>11.3f} {:>13.4f} {:>17.3f} {:>12.3f} {:>17.3f} {:>10.3f} {:>10} {:>8}{}\n", sum.records, of(0) / 1e6,
        of(1) / (kMebi * 3600.0), of(2) / kMebi, of(3) / kMebi, of(4) / kMebi, of(5) / kMebi, sum.usage[6], sum.usage[7],
        sum.unread == 0 ? "" : std::format("  {} records lack a number", sum.unread));
}

Json json_of(MeteredSum const& sum)
{
    auto out = Json::object();
    out.set("records", sum.records).set("records_with_something_unread", sum.unread);
    for (std::size_t i = 0; i < sum.usage.size(); ++i) out.set(proto::kUsageWords[i], sum.usage[i]);
    return out;
}

}  // namespace

void MeteredSum::add(MeteredSum const& other)
{
    records += other.records;
    unread += other.unread;
    ended = ended || other.ended;
    for (std::size_t i = 0; i < usage.size(); ++i) usage[i] = sum_of(usage[i], other.usage[i]);
}

std::optional<MeteredSum> read_metered(ReadRecord const& record)
{
    if (record.action != "session_metered" || record.source != "control") return std::nullopt;
    MeteredSum sum;
    sum.records = 1;
    sum.number = record.number;
    sum.ended = value_of(record.detail, "part") == "end";
    sum.unread = value_of(record.detail, "unread") == "-" ? 0 : 1;
    for (std::size_t i = 0; i < sum.usage.size(); ++i) {
        auto const number = number_of(record.detail, proto::kUsageWords[i]);
        if (!number) return std::nullopt;
        sum.usage[i] = *number;
    }
    return sum;
}

Result<void> Metered::add(ReadRecord const& record, MeteredRange const& range)
{
    if (range.from && record.time < *range.from) return {};
    if (range.to && record.time >= *range.to) return {};
    if (!range.caller.empty() && record.actor != range.caller) return {};
    auto const sum = read_metered(record);
    if (!sum) return {};
    if (seen_.size() >= kMeteredRecordsMax) return fail(Fault::over_limit, "too many records: ask for less time");
    if (!seen_.emplace(record.session, sum->number).second) return {};
    sessions_[Key{record.actor, record.session}].add(*sum);
    total_.add(*sum);
    return {};
}

std::map<std::string, MeteredSum> Metered::callers() const
{
    std::map<std::string, MeteredSum> out;
    for (auto const& [key, sum] : sessions_) out[key.first].add(sum);
    return out;
}

std::string Metered::table() const
{
    auto out = std::format("{:<20} {:<18} {}", "caller", "session", kHead);
    for (auto const& [key, sum] : sessions_)
        out += std::format("{:<20} {:<18} {}", shown(key.first), "s-" + printable(key.second), cells(sum));
    out += '\n';
    for (auto const& [caller, sum] : callers()) out += std::format("{:<20} {:<18} {}", shown(caller), "all its sessions", cells(sum));
    return out + std::format("{:<20} {:<18} {}", "total", "", cells(total_));
}

std::string Metered::json() const
{
    auto sessions = Json::array();
    for (auto const& [key, sum] : sessions_) {
        auto each = json_of(sum);
        each.set("caller", key.first).set("session", "s-" + key.second).set("ended", sum.ended);
        sessions.push(std::move(each));
    }
    auto by_caller = Json::array();
    for (auto const& [caller, sum] : callers()) {
        auto each = json_of(sum);
        each.set("caller", caller);
        by_caller.push(std::move(each));
    }
    auto out = Json::object();
    out.set("sessions", std::move(sessions)).set("callers", std::move(by_caller)).set("total", json_of(total_));
    return out.print();
}

}  // namespace ocu::audit
