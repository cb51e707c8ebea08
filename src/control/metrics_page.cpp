// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/metrics_page.h"

#include <format>

namespace ocu::control {

using proto::Counted;

namespace {

class Page {
public:
    void gauge(std::string_view name, std::string_view help) { begin(name, help, "gauge"); }
    void counter(std::string_view name, std::string_view help) { begin(name, help, "counter"); }

    void sample(std::string_view label, std::string_view text, std::uint64_t value)
    {
        out_ += std::format("{}{{{}=\"{}\"}} {}\n", name_, label, escaped(text), value);
    }
    void gauge(std::string_view name, std::string_view help, std::uint64_t value)
    {
        gauge(name, help);
        out_ += std::format("{} {}\n", name_, value);
    }
    void counter(std::string_view name, std::string_view help, std::uint64_t value)
    {
        counter(name, help);
        out_ += std::format("{} {}\n", name_, value);
    }
    void histogram(std::string_view name, std::string_view help, proto::Bounds const& bounds, proto::Histogram const& counted)
    {
        begin(name, help, "histogram");
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            sum += counted.counts[i];
            out_ += std::format("{}_bucket{{le=\"{:g}\"}} {}\n", name, bounds[i], sum);
        }
        sum += counted.counts.back();
        out_ += std::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}.{3:06}\n{0}_count {1}\n", name, sum, counted.sum_us / 1'000'000, counted.sum_us % 1'000'000);
    }
    void raw(std::string const& line) { out_ += line; }
    static std::string escaped(std::string_view text)
    {
        std::string out;
        for (char const c : text) {
            if (c == '\\' || c == '"') out += '\\';
            c == '\n' ? out += "\\n" : out += c;
        }
        return out;
    }
    std::string take() && { return std::move(out_); }

private:
    void begin(std::string_view name, std::string_view help, std::string_view type)
    {
        name_ = name;
        out_ += std::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
    }
    std::string out_;
    std::string_view name_;
};

std::uint64_t number_of(std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)); }

void say_state(Page& page, proto::OperatorAnswer const& answer)
{
    page.gauge("ocu_info", "Which program this is; always 1.");
    page.raw(std::format("ocu_info{{version=\"{}\",tier=\"{}\",profile=\"{}\"}} 1\n", Page::escaped(answer.version.view()),
        Page::escaped(answer.tier.view()), Page::escaped(answer.profile.view())));
    page.gauge("ocu_healthy", "1 while every helper is up and callers are let in.", answer.healthy ? 1 : 0);
    page.gauge("ocu_uptime_seconds", "Since the start.", number_of(answer.uptime.count()));
    page.gauge("ocu_frozen", "1 while no new session is made.", answer.frozen ? 1 : 0);
    page.gauge("ocu_manifest_serial", "Of the manifest that is applied.", number_of(answer.manifest_serial));
    page.gauge("ocu_sessions", "Sessions of callers.", answer.session_count);
    page.gauge("ocu_warm_pool_ready", "Sandboxes that wait for a caller.", answer.pool_ready);
    page.gauge("ocu_warm_pool_wanted", "Sandboxes that are to be kept ready.", answer.pool_wanted);
    page.gauge("ocu_helper_up", "1 while that helper is up.");
    for (auto const& helper : answer.helpers.items()) page.sample("helper", helper.name.view(), helper.up ? 1 : 0);
    page.gauge("ocu_callers", "Callers by standing.");
    page.sample("standing", "declared", answer.callers.state.declared);
    page.sample("standing", "added", answer.callers.state.added);
    page.sample("standing", "revoked", answer.callers.state.revoked);
    page.gauge("ocu_callers_damaged", "1 while nobody is let in, for the file of callers is damaged.", answer.callers.state.damaged ? 1 : 0);
    page.gauge("ocu_core_resident_bytes", "Memory of the core process.", answer.resident_bytes);
    page.gauge("ocu_clock_checked", "1 while somebody keeps the wall clock right.", answer.clock_checked ? 1 : 0);
    page.gauge("ocu_clock_seconds", "The wall clock, seconds since 1970.", number_of(answer.now_ms / 1'000));
}

void say_record(Page& page, proto::OperatorAnswer const& answer)
{
    auto const& disk = answer.audit_disk;
    if (disk.known) {
        page.gauge("ocu_audit_disk_used_percent", "Of the disk under the log.", disk.used_percent);
        page.gauge("ocu_audit_disk_free_bytes", "For the log's own writer.", disk.free_bytes);
        page.gauge("ocu_audit_disk_alarm", "1 while it is above the watermark.", disk.alarm ? 1 : 0);
    }
    page.gauge("ocu_audit_sink_up", "1 while that sink takes the record.");
    for (auto const& sink : answer.sinks.items()) page.sample("sink", sink.name.view(), sink.health == proto::SinkHealth::delivering ? 1 : 0);
    page.gauge("ocu_audit_sink_lag_records", "Records that the sink has not got.");
    for (auto const& sink : answer.sinks.items()) page.sample("sink", sink.name.view(), sink.size - std::min(sink.size, sink.position));
    page.gauge("ocu_audit_witness_up", "1 while the last head that was shown to that witness is cosigned.");
    for (auto const& each : answer.witnesses.items()) page.sample("witness", each.name.view(), each.health == proto::HeadHealth::witnessed ? 1 : 0);
    page.gauge("ocu_audit_witness_lag_records", "Records that no head of that witness is over.");
    for (auto const& each : answer.witnesses.items()) page.sample("witness", each.name.view(), each.size - std::min(each.size, each.witnessed));
    if (!answer.cold.place.empty()) {
        page.gauge("ocu_audit_cold_up", "1 while the cold tier holds what it is given.", answer.cold.health == proto::ColdHealth::keeping ? 1 : 0);
        page.gauge("ocu_audit_cold_due_segments", "Sealed segments of the record that it does not hold yet.", answer.cold.due);
    }
    if (answer.webhook.health != proto::WebhookHealth::none) {
        page.gauge("ocu_webhook_waiting", "Notices that wait.", answer.webhook.waiting);
        page.counter("ocu_webhook_lost_total", "Notices that were given up.", answer.webhook.lost);
    }
    if (answer.store.health != proto::StoreHealth::none)
        page.gauge("ocu_store_up", "1 while the store elsewhere is reached.", answer.store.health == proto::StoreHealth::reached ? 1 : 0);
}

struct Named {
    Counted counted;
    std::string_view name;
    std::string_view help;
};

constexpr std::array kCounters{
    Named{Counted::records, "ocu_audit_records_total", "Records on disk."},
    Named{Counted::sessions_made, "ocu_sessions_made_total", "Sessions that were begun."},
    Named{Counted::calls, "ocu_calls_total", "Tool calls that ended."},
    Named{Counted::egress_connections, "ocu_egress_connections_total", "Connections from sandboxes that were opened."},
    Named{Counted::http_requests, "ocu_egress_requests_total", "HTTP requests that were seen into."},
    Named{Counted::files_taken, "ocu_files_taken_total", "Files that were uploaded."},
    Named{Counted::files_given, "ocu_files_given_total", "Files that were given out."},
    Named{Counted::operator_actions, "ocu_operator_actions_total", "What operators did, or were refused."},
    Named{Counted::helper_deaths, "ocu_helper_deaths_total", "Helpers that ended by themselves."},
};
static_assert(kCounters.size() == proto::kCounted);

}  // namespace

std::string metrics_text(proto::OperatorAnswer const& answer)
{
    Page page;
    say_state(page, answer);
    say_record(page, answer);
    proto::Tally const tally = answer.tally.items().empty() ? proto::Tally{} : answer.tally.items().front();
    for (auto const& each : kCounters) page.counter(each.name, each.help, tally.counted[static_cast<std::size_t>(each.counted)]);
    page.counter("ocu_refusals_total", "What was refused to callers, guests and operators, by reason.");
    for (std::size_t i = 1; i < proto::kReasons; ++i) page.sample("reason", name_of(static_cast<proto::Reason>(i)), tally.refused[i]);
    page.histogram("ocu_call_seconds", "How long tool calls took.", proto::kCallBounds, tally.calls);
    page.histogram("ocu_egress_connection_seconds", "How long connections from sandboxes lasted.", proto::kEgressBounds, tally.egress);
    page.histogram("ocu_audit_commit_seconds", "From asked for to on disk.", proto::kCommitBounds, tally.commits);
    return std::move(page).take();
}

}  // namespace ocu::control
