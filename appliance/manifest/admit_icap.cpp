// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_icap.h"

#include <charconv>

#include "edge/address.h"

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
    out.port = kIcapPort;
    text.remove_prefix(kScheme.size());
    auto host = text.substr(0, text.find('/'));
    auto const close = host.starts_with('[') ? host.find(']') : 0;
    auto const colon = close == std::string_view::npos ? close : host.find(':', close);
    if (colon != std::string_view::npos) {
        auto const digits = host.substr(colon + 1);
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
            return refuse(key, "its port is not a number from 1 to 65535");
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    auto const address = edge::parse_address(host);
    if (!address) return refuse(key, "must say a numeric address: icap://10.0.0.5:1344/service");
    auto const what = edge::not_public(*address).value_or("");
    if (what == "multicast" || what == "broadcast") return refuse(key, "is no address of a machine");
    out.address = edge::text_of(*address);
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
