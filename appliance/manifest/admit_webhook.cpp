// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_webhook.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "edge/address.h"
#include "edge/host_name.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr char kKey[] = "egress.tripwire.webhook";
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";

std::string key_of(std::string_view member) { return std::string(kKey) + "." + std::string(member); }

// host, [v6], and a port after it.
Admission<void> admit_authority(std::string_view text, edge::Webhook& out)
{
    auto const close = text.starts_with('[') ? text.find(']') : 0;
    auto const colon = close == std::string_view::npos ? close : text.find(':', close);
    if (colon != std::string_view::npos) {
        auto const digits = text.substr(colon + 1);
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
            return refuse(key_of("url"), "its port is not a number from 1 to 65535");
        text = text.substr(0, colon);
    }
    bool const brackets = text.starts_with('[') && text.ends_with(']');
    auto const bare = brackets ? text.substr(1, text.size() - 2) : text;
    if (auto const address = edge::parse_address(bare); address && brackets == !edge::is_ipv4(*address)) {
        out.host = edge::text_of(*address);
        out.numeric = true;
        return {};
    }
    out.host = std::string(text);
    for (char& c : out.host)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!edge::is_host_name(out.host)) return refuse(key_of("url"), "its host is neither a host name nor a numeric address");
    return {};
}

Admission<void> admit_url(std::string_view text, edge::Webhook& out)
{
    out.url = text;
    out.tls = text.starts_with(kHttps);
    out.port = out.tls ? 443 : 80;
    std::uint16_t const usual = out.port;
    text.remove_prefix(out.tls ? kHttps.size() : kHttp.size());
    auto const slash = std::min(text.find_first_of("/?"), text.size());
    if (auto verdict = admit_authority(text.substr(0, slash), out); !verdict) return verdict;
    out.target = text.substr(slash);
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
    bool const v6 = out.host.contains(':');
    out.authority = v6 ? "[" + out.host + "]" : out.host;
    if (out.port != usual) out.authority += ":" + std::to_string(out.port);
    return {};
}

// An address that the operator wrote is one that may be dialled; a name may lead where `addresses` says, and without it to public ones only.
Admission<void> admit_place(std::vector<proto::AddressRange> ranges, edge::Webhook& out)
{
    if (!out.numeric) {
        if (!out.tls) return refuse(key_of("url"), "must be https: what it says of sessions, and the signature, go over a network");
        out.ranges = std::move(ranges);
        return {};
    }
    auto const address = edge::parse_address(out.host).value();
    auto const what = edge::not_public(address).value_or("");
    if (what == "multicast" || what == "broadcast") return refuse(key_of("url"), "is no address of a machine");
    if (!out.tls && what != "loopback") return refuse(key_of("url"), "must be https, except to a loopback address");
    if (!ranges.empty()) return refuse(key_of("addresses"), "is for a host name: the url says the address already");
    out.ranges = {edge::parse_range(out.host).value()};
    return {};
}

// One key for one purpose: what a rule lends leaves custody, and this one never does.
Admission<void> admit_key(std::string_view name, std::span<edge::Rule const> rules, std::span<Credential const> credentials)
{
    auto const credential = std::ranges::find(credentials, name, &Credential::name);
    if (credential == credentials.end()) return refuse(key_of("key"), "is not the name of one of credentials[]");
    if (credential->kind != proto::CredentialKind::value)
        return refuse(key_of("key"), "is a client certificate, and not a key to sign with");
    for (auto const& rule : rules)
        if (rule.injection && rule.injection->credential == name)
            return refuse(key_of("key"), "is lent by rule " + rule.name + ": a key that signs is for nothing else");
    return {};
}

}  // namespace

Admission<edge::Webhook> admit_webhook(JsonView wanted, std::vector<proto::AddressRange> ranges, std::string ca_pem,
    std::span<edge::Rule const> rules, std::span<Credential const> credentials)
{
    edge::Webhook out;
    out.key = std::string(wanted["key"].string().value_or(""));
    out.ca_pem = std::move(ca_pem);
    if (auto verdict = admit_url(wanted["url"].string().value_or(""), out); !verdict) return std::unexpected(verdict.error());
    if (auto verdict = admit_place(std::move(ranges), out); !verdict) return std::unexpected(verdict.error());
    if (!out.tls && !out.ca_pem.empty()) return refuse(key_of("ca"), "has no use: the url is http");
    if (auto verdict = admit_key(out.key, rules, credentials); !verdict) return std::unexpected(verdict.error());
    return out;
}

}  // namespace ocu::manifest
