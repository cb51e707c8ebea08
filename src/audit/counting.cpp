// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/counting.h"

#include <algorithm>
#include <optional>

namespace ocu::audit {

using proto::Counted;
using proto::What;

namespace {

std::optional<Counted> counted_as(What what)
{
    switch (what) {
    case What::session_create: return Counted::sessions_made;
    case What::tool_call_end: return Counted::calls;
    case What::egress_opened: return Counted::egress_connections;
    case What::http_request: return Counted::http_requests;
    case What::file_upload: return Counted::files_taken;
    case What::file_download:
    case What::file_preview:
    case What::file_archive: return Counted::files_given;
    case What::operator_action: return Counted::operator_actions;
    case What::helper_death: return Counted::helper_deaths;
    default: return std::nullopt;
    }
}

bool is_refusal(What what)
{
    switch (what) {
    case What::session_refused:
    case What::tool_call_refused:
    case What::caller_refused:
    case What::egress_denied:
    case What::dns_denied:
    case What::lease_refused:
    case What::file_refused:
    case What::operator_refused: return true;
    default: return false;
    }
}

// These records stand for as many as `number` says.
bool is_folded(What what) { return what == What::tool_call_refused || what == What::caller_refused; }

std::uint64_t microseconds(std::int64_t duration_ms) { return static_cast<std::uint64_t>(std::clamp<std::int64_t>(duration_ms, 0, 1ll << 40)) * 1'000; }

}  // namespace

void count(proto::Tally& tally, proto::Event const& event, std::chrono::microseconds took)
{
    ++tally.counted[static_cast<std::size_t>(Counted::records)];
    tally.commits.add(proto::kCommitBounds, static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)));
    if (auto const kind = counted_as(event.what)) ++tally.counted[static_cast<std::size_t>(*kind)];
    if (event.what == What::tool_call_end) tally.calls.add(proto::kCallBounds, microseconds(event.duration_ms));
    if (event.what == What::egress_closed) tally.egress.add(proto::kEgressBounds, microseconds(event.duration_ms));
    if (event.reason == proto::Reason::none || !is_refusal(event.what)) return;
    tally.refused[static_cast<std::size_t>(event.reason)] +=
        is_folded(event.what) ? static_cast<std::uint64_t>(std::clamp<std::int64_t>(event.number, 1, 1ll << 32)) : 1;
}

}  // namespace ocu::audit
