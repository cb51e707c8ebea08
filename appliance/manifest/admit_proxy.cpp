// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_proxy.h"

#include <algorithm>

#include "appliance/manifest/admit_egress.h"
#include "edge/address.h"
#include "edge/host_name.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr char kKey[] = "egress.chained_proxy";

Admission<void> admit_place(std::string text, proto::ChainedProxy& proxy)
{
    std::string const key = std::string(kKey) + ".host";
    if (auto const address = edge::parse_address(text)) {
        auto const what = edge::not_public(*address).value_or("");
        if (what == "multicast" || what == "broadcast" || what == "this network") return refuse(key, "is no address of a machine");
        proxy.address = wire::Text<45>(edge::text_of(*address));
        return {};
    }
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (!edge::is_host_name(text)) return refuse(key, "is neither a host name nor a numeric address, without http:// and port");
    if (text == "localhost" || text.ends_with(".localhost")) return refuse(key, "is never another machine");
    proxy.name = wire::Text<253>(text);
    return {};
}

// Those by address alone, and those with addresses of their own, are dialled by address whoever resolves names.
bool is_resolved_by_proxy(edge::Rule const& rule) { return !rule.hosts.empty() && rule.ranges.empty(); }

}  // namespace

Admission<proto::ChainedProxy> admit_proxy(JsonView wanted, std::span<edge::Rule const> rules)
{
    proto::ChainedProxy proxy;
    if (!wanted || wanted.size() == 0) return proxy;
    if (!wanted["host"]) return refuse(std::string(kKey) + ".host", "is missing: the proxy's name or numeric address");
    if (!wanted["port"]) return refuse(std::string(kKey) + ".port", "is missing: a proxy has no usual one");
    if (auto verdict = admit_place(std::string(wanted["host"].string().value_or("")), proxy); !verdict)
        return std::unexpected(verdict.error());
    proxy.port = static_cast<std::uint16_t>(wanted["port"].integer().value_or(0));
    proxy.resolves = wanted["names"].string() == "proxy";
    for (std::size_t i = 0; i < wanted["direct"].size(); ++i) {
        auto const key = std::string(kKey) + ".direct[" + std::to_string(i) + "]";
        auto range = admit_range(key, wanted["direct"].at(i).string().value_or(""));
        if (!range) return std::unexpected(range.error());
        if (std::ranges::contains(proxy.direct.items(), *range)) return refuse(key, "is there twice");
        proxy.direct.push(*range);
    }
    if (proxy.resolves && !rules.empty() && std::ranges::none_of(rules, is_resolved_by_proxy))
        return refuse(std::string(kKey) + ".names", "changes nothing: every rule has addresses, and what these may be is judged here");
    return proxy;
}

}  // namespace ocu::manifest
