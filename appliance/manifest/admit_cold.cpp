// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_cold.h"

#include <algorithm>
#include <format>

#include "base/printable.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr char kKey[] = "audit.cold";
constexpr char kHotDays[] = "audit.hot_days";
constexpr char kCredential[] = "audit.cold.credential";

// Of one bucket and one prefix in it: what is swept away below one must not lie below the other's.
bool overlap(storage::S3Place const& one, storage::S3Place const& other)
{
    return one.bucket == other.bucket && one.endpoint == other.endpoint && (one.prefix.starts_with(other.prefix) || other.prefix.starts_with(one.prefix));
}

Admission<std::uint32_t> admit_hot_days(JsonView wanted, std::uint32_t retention_days)
{
    auto const days = wanted.integer();
    if (!days) return 0u;
    if (*days > retention_days) return refuse(kHotDays, std::format("is above audit.retention_days, which is {}", retention_days));
    return static_cast<std::uint32_t>(*days);
}

}  // namespace

Admission<ColdTier> admit_cold(
    JsonView audit, std::string_view profile, edge::Config const& egress, std::span<Credential const> credentials, ColdBeside const& beside)
{
    ColdTier out;
    JsonView const wanted = audit["cold"];
    if (!wanted) {
        if (audit["hot_days"]) return refuse(kHotDays, "has no use without audit.cold: nothing would be left of what goes from here");
        return out;
    }
    auto store = admit_s3(kKey, wanted, profile, egress, credentials);
    if (!store) return std::unexpected(store.error());
    // What opens the cold tier is for it alone: brokers have the other one.
    if (store->credential == beside.store.credential) return refuse(kCredential, "opens the store of session files, and nothing else");
    if (std::ranges::contains(beside.sinks.keys, store->credential, &SinkKeys::token)) return refuse(kCredential, "is a sink's, and nothing else's");
    auto const& place = *store->place;
    if (beside.store.place && overlap(place, *beside.store.place)) return refuse("audit.cold.prefix", "overlaps storage.s3.prefix, below which is removed");
    auto const hot_days = admit_hot_days(audit["hot_days"], beside.retention_days);
    if (!hot_days) return std::unexpected(hot_days.error());
    auto& cold = out.cold.emplace();
    cold.store = {wire::Text<280>(place.endpoint), wire::Text<64>(place.region), wire::Text<63>(place.bucket), wire::Text<640>(place.prefix), place.path_style,
        wire::Text<proto::kStoreCaBytesMax>(place.ca_pem)};
    cold.place = std::format("{}/{} of {}", place.bucket, place.prefix, place.endpoint);
    cold.mode = wanted["mode"].string() == "governance" ? proto::ColdMode::governance : proto::ColdMode::compliance;
    cold.days = beside.retention_days;
    cold.hot_days = *hot_days;
    out.way = explain_way(*store);
    out.endpoint = std::move(store->endpoint);
    out.credential = std::move(store->credential);
    return out;
}

std::string explain_cold(ColdTier const& tier)
{
    if (!tier.cold) return {};
    auto const& cold = *tier.cold;
    auto out = std::format("Sealed segments of the record are put into {}, locked until they are {} days old ({}).\n{}", printable(cold.place), cold.days,
        name_of(cold.mode), tier.way);
    if (cold.store.ca_pem.empty()) out += "  WARNING: without TLS. Whoever is on the way reads the record, and can keep it from being locked.\n";
    if (cold.mode == proto::ColdMode::governance) out += "  WARNING: who has the right to can remove what is locked.\n";
    if (cold.hot_days != 0) out += std::format("  What lies there may go from this machine after {} days.\n", cold.hot_days);
    return out;
}

}  // namespace ocu::manifest
