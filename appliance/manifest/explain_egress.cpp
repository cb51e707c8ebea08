// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <format>

#include "appliance/manifest/admit_egress.h"
#include "edge/address.h"
#include "edge/chained_proxy.h"

namespace ocu::manifest {

namespace {

constexpr std::uint64_t kMebi = 1u << 20;

template <class List, class Print>
std::string listed(List const& list, Print print)
{
    std::string out;
    for (auto const& each : list) out += (out.empty() ? "" : ", ") + print(each);
    return out;
}
std::string as_is(std::string const& text) { return printable(text); }

std::string text_of(proto::AddressRange const& range)
{
    bool const four = edge::is_ipv4(range.address);
    unsigned const bits = four ? range.bits - 96u : range.bits;
    auto const address = edge::text_of(range.address);
    return bits == (four ? 32u : 128u) ? address : std::format("{}/{}", address, bits);
}

std::string where(edge::Rule const& rule)
{
    auto const ranges = listed(rule.ranges, text_of);
    auto out = rule.hosts.empty() ? ranges + " by address" : listed(rule.hosts, as_is);
    if (!rule.hosts.empty() && !rule.ranges.empty()) out += " if it resolves into " + ranges;
    return out + (rule.ports.size() == 1 ? ", port " : ", ports ") + listed(rule.ports, [](auto port) { return std::to_string(port); });
}

std::string source_words(proto::SecretSource const& source)
{
    auto out = std::format(", which {} is asked for when it is lent", printable(source.label()));
    if (source.client.empty()) return out;
    if (!source.is_numeric())
        out += source.ranges.empty() ? " if it resolves to a public address" : " if it resolves into " + listed(source.ranges, text_of);
    return out + std::format(", over TLS that shows it the client certificate {}", printable(source.client));
}

std::string line_of(edge::Rule const& rule)
{
    bool const bump = rule.rung == edge::Rung::bump;
    auto out = std::format(
        "  {}: {}; TLS is {}", printable(rule.name), where(rule), bump ? "ended here and each request looked at" : "passed through unseen");
    if (!rule.methods.empty()) out += "; only " + listed(rule.methods, as_is);
    if (!rule.paths.empty()) out += "; only the paths " + listed(rule.paths, as_is);
    if (rule.shows_certificate())
        out +=
            std::format("; only requests that carry the token from ${} in {} go on, over a connection that shows the client certificate {}",
                printable(rule.injection->environment), printable(rule.injection->header), printable(rule.injection->credential));
    else if (rule.injection)
        out += std::format("; a request that carries the token from ${} gets credential {} as {}", printable(rule.injection->environment),
            printable(rule.injection->credential), printable(rule.injection->header));
    if (rule.injection && rule.injection->source) out += source_words(*rule.injection->source);
    if (rule.icap && rule.icap->request) out += "; each request is shown to " + printable(rule.icap->request->uri);
    if (rule.icap && rule.icap->response) out += "; each answer is shown to " + printable(rule.icap->response->uri);
    if (rule.budget_bytes != 0) out += std::format("; at most {} MiB per session", rule.budget_bytes / kMebi);
    return out + ".\n";
}

std::string tripwire_line(edge::Tripwire const& wire)
{
    std::vector<std::string> at;
    if (wire.bytes != 0) at.push_back(std::format("{} MiB", wire.bytes / kMebi));
    if (wire.destinations != 0) at.push_back(std::format("{} destinations", wire.destinations));
    if (wire.connections_per_minute != 0) at.push_back(std::format("{} connections a minute", wire.connections_per_minute));
    if (at.empty()) return {};
    return std::format("  A session that goes beyond {} is reported{}.\n", listed(at, as_is), wire.kill ? " and ended" : "");
}

std::string proxy_lines(proto::ChainedProxy const& proxy)
{
    if (!proxy) return {};
    auto out = std::format(
        "  Everything goes out by the proxy {}; nothing goes another way when it is down or refuses.\n", printable(edge::name_of(proxy)));
    if (!proxy.direct.items().empty()) out += std::format("  Except to {}: dialled without it.\n", listed(proxy.direct.items(), text_of));
    out += proxy.resolves ? "  It is told names, but for rules with addresses: where those lead is judged by it alone, and nothing here "
                            "keeps them out of\n"
                            "  networks that it can reach.\n"
                          : "  It is told the addresses that were resolved and judged here.\n";
    return out;
}

std::string webhook_line(edge::Webhook const& webhook)
{
    std::string who = "whom the public roots and the manifest's bundle vouch for";
    if (!webhook.ca_pem.empty()) who = "whom its own certificates vouch for";
    if (!webhook.tls) who = "whoever listens on this machine";
    std::string where = "public addresses";
    if (!webhook.ranges.empty()) where = listed(webhook.ranges, text_of);
    return std::format(
        "  It is told to {}, at {}, by {}, signed with credential {}.\n", printable(webhook.url), where, who, printable(webhook.key));
}

}  // namespace

std::string explain_egress(edge::Config const& config, std::vector<Credential> const& credentials, std::initializer_list<std::string_view> used_elsewhere)
{
    if (config.rules.empty()) return "From a sandbox nothing can be reached: every connection and every name is refused and recorded.\n";
    std::string out = "From a sandbox these can be reached; everything else is refused and recorded:\n";
    for (auto const& rule : config.rules) out += line_of(rule);
    out += tripwire_line(config.tripwire);
    if (config.webhook) out += webhook_line(*config.webhook);
    out += proxy_lines(config.proxy);
    if (!config.extra_roots_pem.empty()) out += "  Certificates of upstreams are also believed if the manifest's own bundle signed them.\n";
    out += config.resolvers.empty() ? "  Names are resolved by this host's own resolvers.\n"
                                    : std::format("  Names are resolved by {}.\n", listed(config.resolvers, as_is));
    if (!config.contact.empty()) out += std::format("  A refused program reads that it may ask: {}\n", printable(config.contact));
    for (auto const& each : credentials) {
        bool const used = std::ranges::any_of(config.rules, [&](auto const& rule) {
            if (!rule.injection) return false;
            return rule.injection->credential == each.name || (rule.injection->source && rule.injection->source->client == each.name);
        });
        if (!used && !std::ranges::contains(used_elsewhere, each.name) && !(config.webhook && config.webhook->key == each.name))
            out += std::format("  Credential {} is used by no rule.\n", printable(each.name));
    }
    return out;
}

}  // namespace ocu::manifest
