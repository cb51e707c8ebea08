// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_witnesses.h"

#include <algorithm>
#include <format>

#include "base/printable.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr std::string_view kAddCheckpoint = "/add-checkpoint";
constexpr std::int64_t kDay_s = 86'400;

std::string text_of(JsonView section, std::string_view key) { return std::string(section[key].string().value_or("")); }

Admission<void> admit_key(std::string const& key, std::string const& text, Witnesses const& so_far, audit::Witness& out)
{
    auto const parsed = audit::parse_key(text, audit::KeyKind::witness);
    if (!parsed) return refuse(key, "is no verifier key of a witness (NAME+ID+BASE64, cosignature/v1 with Ed25519)");
    out.key = *parsed;
    // Twice the same word would look like two.
    for (auto const& other : so_far.witnesses)
        if (other.key.key == out.key.key) return refuse(key, "is that of another witness too");
    return {};
}

Admission<audit::Witness> admit_one(
    std::string const& key, JsonView wanted, std::vector<Credential> const& credentials, Witnesses const& so_far, edge::SinkEndpoint& endpoint)
{
    audit::Witness out;
    out.name = text_of(wanted, "name");
    if (std::ranges::contains(so_far.witnesses, out.name, &audit::Witness::name)) return refuse(key + ".name", "is there twice");
    audit::Sink place;  // what an HTTPS sink is
    place.kind = proto::SinkKind::https;
    if (auto verdict = admit_elsewhere(key, wanted, place, endpoint); !verdict) return std::unexpected(verdict.error());
    out.host = place.host;
    out.port = place.port;
    out.authority = place.authority;
    out.place = place.place;
    out.target = place.target;
    while (out.target.ends_with('/')) out.target.pop_back();
    out.target += kAddCheckpoint;
    if (auto verdict = admit_key(key + ".key", text_of(wanted, "key"), so_far, out); !verdict) return std::unexpected(verdict.error());
    out.interval = std::chrono::seconds(wanted["interval_s"].integer().value_or(kDay_s));
    if (auto const client = text_of(wanted, "client_certificate"); !client.empty()) {
        if (auto verdict = admit_client_certificate(key + ".client_certificate", client, credentials); !verdict)
            return std::unexpected(verdict.error());
        out.shows_certificate = true;
    }
    return out;
}

}  // namespace

Admission<Witnesses> admit_witnesses(JsonView list, std::vector<Credential> const& credentials)
{
    Witnesses out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        edge::SinkEndpoint endpoint;
        auto witness = admit_one("audit.transparency_log[" + std::to_string(i) + "]", list.at(i), credentials, out, endpoint);
        if (!witness) return std::unexpected(witness.error());
        out.witnesses.push_back(std::move(*witness));
        out.endpoints.push_back(std::move(endpoint));
        out.keys.push_back({text_of(list.at(i), "client_certificate"), {}});
    }
    return out;
}

std::string explain_witnesses(Witnesses const& witnesses)
{
    std::string out;
    for (std::size_t i = 0; i < witnesses.witnesses.size(); ++i) {
        auto const& each = witnesses.witnesses[i];
        out += std::format("The record's head is shown every {} s to witness {} ({}), {}, verified against {}", each.interval.count(), printable(each.name),
            printable(each.key.name), printable(each.place),
            witnesses.endpoints[i].ca_pem.empty() ? "whoever signs upstreams' certificates" : "its own certificates");
        if (each.shows_certificate) out += std::format(", showing {}", printable(witnesses.keys[i].client));
        out += ".\n";
    }
    return out;
}

}  // namespace ocu::manifest
