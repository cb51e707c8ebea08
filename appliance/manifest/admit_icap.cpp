// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_icap.h"

#include "appliance/manifest/admit_authority.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr std::string_view kScheme = "icap://";
constexpr std::uint16_t kIcapPort = 1344;

// icap://ADDRESS[:PORT]/SERVICE. Numeric: what is to be looked at goes to no machine that a resolver could choose.
Admission<edge::IcapEndpoint> admit_service(std::string const& key, std::string_view text)
{
    edge::IcapEndpoint out;
    out.uri = text;
    text.remove_prefix(kScheme.size());
    auto const authority = admit_authority(key, text.substr(0, text.find('/')), kIcapPort);
    if (!authority) return std::unexpected(authority.error());
    if (!authority->address) return refuse(key, "must say a numeric address: icap://10.0.0.5:1344/service");
    out.address = authority->host;
    out.port = authority->port;
    return out;
}

}  // namespace

Admission<edge::Icap> admit_icap(std::string const& key, JsonView wanted, edge::Rule const& rule)
{
    edge::Icap icap;
    bool const seen = rule.rung == edge::Rung::bump || rule.ports == std::vector<std::uint16_t>{80};
    if (!seen) return refuse(key, "needs rung bump, or ports [80]: within TLS that passes through there is nothing to show");
    for (auto const* which : {"request", "response"}) {
        auto const text = wanted[which].string();
        if (!text) continue;
        auto service = admit_service(key + "." + which, *text);
        if (!service) return std::unexpected(service.error());
        (which == std::string_view("request") ? icap.request : icap.response) = std::move(*service);
    }
    if (!icap.request && !icap.response) return refuse(key, "says neither request nor response");
    if (auto const bytes = wanted["preview"].integer()) icap.preview_bytes = static_cast<std::uint16_t>(*bytes);
    return icap;
}

}  // namespace ocu::manifest
