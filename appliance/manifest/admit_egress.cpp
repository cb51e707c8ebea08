// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_egress.h"

#include <algorithm>

#include "appliance/manifest/admit_certificates.h"
#include "appliance/manifest/admit_icap.h"
#include "appliance/manifest/admit_inject.h"
#include "appliance/manifest/admit_proxy.h"
#include "appliance/manifest/admit_webhook.h"
#include "base/sealed_face.h"
#include "proto/guest_variables.h"
#include "edge/address.h"
#include "edge/host_name.h"
#include "proto/edge_helper_to_edge.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr std::uint64_t kMebi = 1ull << 20;
constexpr unsigned kMappedBits = 96;
constexpr std::size_t kCertificatesMax = 64;

std::string at(std::string const& key, std::size_t index) { return key + "[" + std::to_string(index) + "]"; }
std::string text_of(JsonView section, std::string_view key) { return std::string(section[key].string().value_or("")); }

std::uint64_t count_of(JsonView section, std::string_view key) { return static_cast<std::uint64_t>(section[key].integer().value_or(0)); }

Admission<std::string> admit_host(std::string const& key, std::string_view text)
{
    std::string host(text);
    for (char& c : host) {
        if (static_cast<unsigned char>(c) >= 0x80) return refuse(key, "must be in ASCII: write a name of other letters as xn--...");
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    bool const wildcard = host.starts_with("*.");
    std::string const name = wildcard ? host.substr(2) : host;
    if (host == "*" || name.contains('*')) return refuse(key, "may have one *, as the first label: *.example.com");
    if (edge::parse_address(name) || edge::parse_range(name)) return refuse(key, "is an address: addresses has those");
    if (!edge::is_host_name(name)) return refuse(key, "is not a host name");
    // Would open everything that anybody can register below it. Longer public suffixes are the author's to know.
    if (wildcard && !name.contains('.')) return refuse(key, "would open a whole top-level domain");
    if (name == "localhost" || name.ends_with(".localhost")) return refuse(key, "is never another machine");
    return host;
}

bool ranges_meet(proto::AddressRange const& one, proto::AddressRange const& other)
{
    return edge::lies_in(one.address, other) || edge::lies_in(other.address, one);
}

// Names are answered with these addresses: to dial one would be to dial a number that we made up.
bool is_synthetic(proto::AddressRange const& range)
{
    proto::AddressRange four{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, kMappedBits + proto::kSyntheticPrefix4};
    for (std::size_t i = 0; i < 4; ++i) four.address[12 + i] = static_cast<std::uint8_t>(proto::kSyntheticFirst4 >> (24 - 8 * i));
    proto::AddressRange six{{}, kMappedBits};
    std::ranges::copy(proto::kSyntheticPrefix6, six.address.begin());
    return ranges_meet(range, four) || ranges_meet(range, six);
}

template <class T, class Admit>
Admission<std::vector<T>> admit_list(std::string const& key, JsonView list, Admit admit_one)
{
    std::vector<T> out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto one = admit_one(at(key, i), list.at(i));
        if (!one) return std::unexpected(one.error());
        if (std::ranges::contains(out, *one)) return refuse(at(key, i), "is there twice");
        out.push_back(std::move(*one));
    }
    return out;
}

Admission<std::string> admit_method(std::string const& key, JsonView method)
{
    std::string text(method.string().value_or(""));
    if (text == "CONNECT") return refuse(key, "is how a tunnel is asked for, and rules say to where by hosts");
    return text;
}

Admission<std::string> admit_path(std::string const& key, JsonView path)
{
    std::string text(path.string().value_or(""));
    auto const star = text.find('*');
    if (star != std::string::npos && star + 1 != text.size()) return refuse(key, "may have one *, at its end");
    if (text.contains("//") || text.contains("/./") || text.contains("/../") || text.ends_with("/.") || text.ends_with("/.."))
        return refuse(key, "is not normal: requests are compared after . and .. and empty parts are gone");
    return text;
}

// Methods and paths are seen where requests are: in bump, or in the clear.
Admission<void> admit_requests(std::string const& key, JsonView wanted, edge::Rule& rule)
{
    auto methods = admit_list<std::string>(key + ".methods", wanted["methods"], admit_method);
    if (!methods) return std::unexpected(methods.error());
    auto paths = admit_list<std::string>(key + ".paths", wanted["paths"], admit_path);
    if (!paths) return std::unexpected(paths.error());
    rule.methods = std::move(*methods);
    rule.paths = std::move(*paths);
    bool const seen = rule.rung == edge::Rung::bump || rule.ports == std::vector<std::uint16_t>{80};
    if (!seen && !(rule.methods.empty() && rule.paths.empty()))
        return refuse(key + (rule.methods.empty() ? ".paths" : ".methods"),
            "needs rung bump, or ports [80]: within TLS that passes through no request is seen");
    return {};
}

Admission<void> admit_destination(std::string const& key, JsonView wanted, edge::Rule& rule)
{
    auto hosts = admit_list<std::string>(
        key + ".hosts", wanted["hosts"], [](auto const& where, JsonView host) { return admit_host(where, host.string().value_or("")); });
    if (!hosts) return std::unexpected(hosts.error());
    auto ranges = admit_list<proto::AddressRange>(key + ".addresses", wanted["addresses"],
        [](auto const& where, JsonView range) { return admit_range(where, range.string().value_or("")); });
    if (!ranges) return std::unexpected(ranges.error());
    auto ports = admit_list<std::uint16_t>(key + ".ports", wanted["ports"],
        [](auto const&, JsonView port) -> Admission<std::uint16_t> { return static_cast<std::uint16_t>(port.integer().value_or(0)); });
    if (!ports) return std::unexpected(ports.error());
    rule.hosts = std::move(*hosts);
    rule.ranges = std::move(*ranges);
    rule.ports = std::move(*ports);
    if (wanted["ports"] && rule.ports.empty()) return refuse(key + ".ports", "is empty: leave it out for 443 and 80");
    if (rule.ports.empty()) rule.ports = {443, 80};
    if (rule.hosts.empty() && rule.ranges.empty()) return refuse(key, "names neither hosts nor addresses");
    return {};
}

Admission<edge::Rule> admit_rule(std::string const& key, JsonView wanted, std::span<Credential const> credentials)
{
    edge::Rule rule;
    rule.name = text_of(wanted, "name");
    rule.rung = wanted["rung"].string() == "bump" ? edge::Rung::bump : edge::Rung::passthrough;
    rule.budget_bytes = count_of(wanted["budget"], "session_mib") * kMebi;
    if (auto verdict = admit_destination(key, wanted, rule); !verdict) return std::unexpected(verdict.error());
    if (auto verdict = admit_requests(key, wanted, rule); !verdict) return std::unexpected(verdict.error());
    if (JsonView const inject = wanted["inject"]; inject && inject.size() > 0) {
        auto injection = admit_inject(key, inject, rule, credentials);
        if (!injection) return std::unexpected(injection.error());
        rule.injection = std::move(*injection);
    }
    if (JsonView const shown = wanted["icap"]; shown && shown.size() > 0) {
        auto icap = admit_icap(key + ".icap", shown, rule);
        if (!icap) return std::unexpected(icap.error());
        rule.icap = std::move(*icap);
    }
    return rule;
}

Admission<std::vector<edge::Rule>> admit_rules(JsonView list, std::span<Credential const> credentials)
{
    std::vector<edge::Rule> rules;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = at("egress.rules", i);
        auto rule = admit_rule(key, list.at(i), credentials);
        if (!rule) return std::unexpected(rule.error());
        for (auto const& other : rules) {
            if (other.name == rule->name) return refuse(key + ".name", "is there twice");
            if (other.injection && rule->injection && other.injection->environment == rule->injection->environment)
                return refuse(
                    key + ".inject.environment", rule->injection->environment + " holds the token of rule " + other.name + " already");
            if (auto verdict = admit_beside(key, *rule, other); !verdict) return std::unexpected(verdict.error());
        }
        rules.push_back(std::move(*rule));
        auto const injecting = std::ranges::count_if(rules, [](auto const& each) { return each.injection.has_value(); });
        if (static_cast<std::size_t>(injecting) > proto::kScopedRulesMax)
            return refuse(key + ".inject", "is one too many: 64 rules may put a credential into requests");
    }
    return rules;
}

Admission<std::vector<Credential>> admit_credentials(JsonView list)
{
    std::vector<Credential> out;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = at("credentials", i);
        bool const certificate = list.at(i)["kind"].string() == "client_certificate";
        Credential each{text_of(list.at(i), "name"), text_of(list.at(i), "sealed"),
            certificate ? proto::CredentialKind::client_certificate : proto::CredentialKind::value};
        if (std::ranges::contains(out, each.name, &Credential::name)) return refuse(key + ".name", "is there twice");
        auto const box = sealed::parse(each.sealed);
        if (!box) return refuse(key + ".sealed", "is not sealed text: a manifest is no secret, seal it with `ocu-appliance manifest seal`");
        if (box->kind == sealed::Kind::passphrase)
            return refuse(key + ".sealed", "is sealed to a passphrase, and nobody can be asked for it");
        out.push_back(std::move(each));
    }
    return out;
}

Admission<std::string> admit_roots(std::string const& key, std::string text)
{
    if (text.empty()) return text;
    if (auto const good = admit_certificates(key, text, kCertificatesMax); !good) return std::unexpected(good.error());
    return text;
}

Admission<edge::Tripwire> admit_tripwire(JsonView wanted)
{
    edge::Tripwire wire;
    wire.bytes = count_of(wanted, "session_mib") * kMebi;
    wire.destinations = static_cast<std::uint32_t>(count_of(wanted, "destinations"));
    wire.connections_per_minute = static_cast<std::uint32_t>(count_of(wanted, "connections_per_minute"));
    wire.kill = wanted["action"].string() == "kill";
    if (wire.kill && wire.bytes == 0 && wire.destinations == 0 && wire.connections_per_minute == 0)
        return refuse("egress.tripwire.action", "has nothing that sets it off");
    return wire;
}

Admission<std::optional<edge::Webhook>> admit_told(JsonView wanted, Egress const& egress)
{
    constexpr char kKey[] = "egress.tripwire.webhook";
    if (!wanted) return std::nullopt;
    auto const& wire = egress.config.tripwire;
    if (wire.bytes == 0 && wire.destinations == 0 && wire.connections_per_minute == 0) return refuse(kKey, "has nothing that sets it off");
    auto ranges = admit_list<proto::AddressRange>(std::string(kKey) + ".addresses", wanted["addresses"],
        [](auto const& where, JsonView range) { return admit_range(where, range.string().value_or("")); });
    if (!ranges) return std::unexpected(ranges.error());
    auto ca = admit_roots(std::string(kKey) + ".ca", text_of(wanted, "ca"));
    if (!ca) return std::unexpected(ca.error());
    auto webhook = admit_webhook(wanted, std::move(*ranges), std::move(*ca), egress.config.rules, egress.credentials);
    if (!webhook) return std::unexpected(webhook.error());
    return std::move(*webhook);
}

}  // namespace

Admission<proto::AddressRange> admit_range(std::string const& key, std::string_view text)
{
    auto const range = edge::parse_range(text);
    if (!range) return refuse(key, std::string(range.error().what.view()) + ": write 10.1.0.0/16, 2001:db8::/32, or one address");
    bool const four = edge::is_ipv4(range->address) && range->bits >= kMappedBits;
    if (four ? range->bits < kMappedBits + kRangeBitsMin4 : range->bits < kRangeBitsMin6)
        return refuse(key, "would open everything: a prefix is at least /" + std::to_string(four ? kRangeBitsMin4 : kRangeBitsMin6));
    if (is_synthetic(*range))
        return refuse(key, "overlaps with the addresses that names are answered with (198.18.0.0/15, 64:ff9b:1:ffff::/96)");
    auto const what = edge::not_public(range->address).value_or("");
    if (what == "multicast" || what == "broadcast" || (what == "this network" && range->bits == 128))
        return refuse(key, "is no address of a machine");
    if (range->bits < 128 && (what == "loopback" || what == "this network"))
        return refuse(key, "opens nothing: an address of this machine's own must be named by itself");
    return *range;
}

Admission<Egress> admit_egress(JsonView section, JsonView credentials, std::vector<std::string> resolvers)
{
    Egress egress;
    egress.config.resolvers = std::move(resolvers);
    auto kept = admit_credentials(credentials);
    if (!kept) return std::unexpected(kept.error());
    egress.credentials = std::move(*kept);
    auto rules = admit_rules(section["rules"], egress.credentials);
    if (!rules) return std::unexpected(rules.error());
    egress.config.rules = std::move(*rules);
    auto roots = admit_roots("egress.ca_bundle", text_of(section, "ca_bundle"));
    if (!roots) return std::unexpected(roots.error());
    egress.config.extra_roots_pem = std::move(*roots);
    auto tripwire = admit_tripwire(section["tripwire"]);
    if (!tripwire) return std::unexpected(tripwire.error());
    egress.config.tripwire = *tripwire;
    auto proxy = admit_proxy(section["chained_proxy"], egress.config.rules);
    if (!proxy) return std::unexpected(proxy.error());
    egress.config.proxy = std::move(*proxy);
    auto webhook = admit_told(section["tripwire"]["webhook"], egress);
    if (!webhook) return std::unexpected(webhook.error());
    egress.config.webhook = std::move(*webhook);
    egress.config.contact = text_of(section, "contact");
    return egress;
}

}  // namespace ocu::manifest
