// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_sinks.h"

#include <algorithm>
#include <format>

#include "appliance/manifest/admit_authority.h"
#include "appliance/manifest/admit_certificates.h"
#include "base/printable.h"
#include "edge/address.h"

namespace ocu::manifest {

using proto::SinkKind;
using wire::JsonView;

namespace {

constexpr std::uint64_t kMebi = 1u << 20;
constexpr std::size_t kCertificatesMax = 8;
constexpr std::uint16_t kSyslogPort = 6514;  // RFC 5425
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::string_view kHttps = "https://";

std::string text_of(JsonView section, std::string_view key) { return std::string(section[key].string().value_or("")); }

template <class Enum>
Enum one_of(std::string_view word, Enum fallback)
{
    for (std::size_t i = 0; i <= static_cast<std::size_t>(Enum::kLast); ++i)
        if (auto const each = static_cast<Enum>(i); name_of(each) == word) return each;
    return fallback;
}

// A declaration that would be ignored is refused (T-15).
Admission<void> refuse_what_has_no_use(std::string const& key, JsonView wanted, SinkKind kind)
{
    struct Use {
        std::string_view key;
        bool file, syslog, https;
    };
    constexpr Use kUses[] = {{"rotate_mib", true, false, false}, {"files", true, false, false}, {"host", false, true, false},
        {"url", false, false, true}, {"shape", false, false, true}, {"authorization", false, false, true}, {"addresses", false, true, true},
        {"ca", false, true, true}, {"client_certificate", false, true, true}};
    for (auto const& use : kUses) {
        bool const has = kind == SinkKind::file ? use.file : kind == SinkKind::syslog ? use.syslog : use.https;
        if (wanted[use.key] && !has)
            return refuse(key + "." + std::string(use.key), std::format("has no use: the sink is of kind {}", name_of(kind)));
    }
    return {};
}

// An address that the operator wrote is one that may be dialled; a name may lead where `addresses` says, and without it to public ones only.
Admission<void> admit_ranges(std::string const& key, JsonView list, Authority const& to, edge::SinkEndpoint& out)
{
    if (to.address) {
        out.ranges = {edge::parse_range(to.host).value()};
        if (list) return refuse(key, "is for a host name: the address is said already");
        return {};
    }
    if (list && list.size() == 0) return refuse(key, "is empty: leave it out for public addresses");
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto range = admit_range(key + "[" + std::to_string(i) + "]", list.at(i).string().value_or(""));
        if (!range) return std::unexpected(range.error());
        out.ranges.push_back(*range);
    }
    return {};
}

Admission<void> admit_place(std::string const& key, JsonView wanted, audit::Sink& sink, edge::SinkEndpoint& out)
{
    bool const syslog = sink.kind == SinkKind::syslog;
    auto const where = key + (syslog ? ".host" : ".url");
    auto const text = text_of(wanted, syslog ? "host" : "url");
    if (text.empty()) return refuse(where, "is missing");
    std::string_view rest = text;
    if (!syslog) rest.remove_prefix(kHttps.size());  // the schema's pattern
    auto const slash = std::min(rest.find_first_of("/?"), rest.size());
    auto to = admit_authority(where, rest.substr(0, slash), syslog ? kSyslogPort : kHttpsPort);
    if (!to) return std::unexpected(to.error());
    sink.target = rest.substr(slash);
    if (!sink.target.starts_with('/')) sink.target.insert(0, "/");
    bool const v6 = to->address && !edge::is_ipv4(*to->address);
    sink.host = out.host = to->host;
    sink.port = out.port = to->port;
    out.numeric = to->address.has_value();
    sink.authority = v6 ? "[" + to->host + "]" : to->host;
    if (syslog || to->port != kHttpsPort) sink.authority += ":" + std::to_string(to->port);
    sink.place = syslog ? sink.authority : std::string(kHttps) + sink.authority + sink.target.substr(0, sink.target.find('?'));
    return admit_ranges(key + ".addresses", wanted["addresses"], *to, out);
}

// Whatever else uses it would give it to somebody whom this sink is not.
Admission<void> admit_token(std::string const& key, std::string_view name, edge::Config const& egress,
    std::vector<Credential> const& credentials, std::string_view store)
{
    auto const found = std::ranges::find(credentials, name, &Credential::name);
    if (found == credentials.end()) return refuse(key, "is not the name of one of credentials[]");
    if (found->kind != proto::CredentialKind::value) return refuse(key, "is a client certificate, and not what stands in a header");
    if (name == store) return refuse(key, "opens the store of session files, and nothing else");
    if (egress.webhook && egress.webhook->key == name) return refuse(key, "signs what egress.tripwire.webhook is told, and nothing else");
    for (auto const& rule : egress.rules)
        if (rule.injection && rule.injection->credential == name)
            return refuse(key, "is lent by rule " + rule.name + ": what opens a sink is for nothing else");
    return {};
}

Admission<void> admit_keys(std::string const& key, JsonView wanted, edge::Config const& egress, std::vector<Credential> const& credentials,
    std::string_view store, SinkKeys& out)
{
    out.client = text_of(wanted, "client_certificate");
    out.token = text_of(wanted, "authorization");
    if (!out.client.empty())
        if (auto verdict = admit_client_certificate(key + ".client_certificate", out.client, credentials); !verdict) return verdict;
    if (out.token.empty()) return {};
    return admit_token(key + ".authorization", out.token, egress, credentials, store);
}

std::string line_of(audit::Sink const& sink, edge::SinkEndpoint const& to, SinkKeys const& keys)
{
    auto out = std::format("The record is copied, as {}, to sink {}: ", name_of(sink.format), printable(sink.name));
    if (sink.kind == SinkKind::file)
        return out + std::format(
                         "{} files of {} MiB in audit-sinks/{} of the state directory.\n", sink.files, sink.file_bytes / kMebi, sink.name);
    out += std::format("{}, {}, verified against {}", printable(sink.place),
        sink.kind == SinkKind::syslog ? "syslog over TLS" : name_of(sink.shape),
        to.ca_pem.empty() ? "whoever signs upstreams' certificates" : "its own certificates");
    if (!keys.client.empty()) out += std::format(", showing {}", printable(keys.client));
    if (!keys.token.empty()) out += std::format(", with {} in its requests", printable(keys.token));
    return out + ".\n";
}

}  // namespace

Admission<void> admit_elsewhere(std::string const& key, JsonView wanted, audit::Sink& sink, edge::SinkEndpoint& out)
{
    if (auto verdict = admit_place(key, wanted, sink, out); !verdict) return verdict;
    out.ca_pem = text_of(wanted, "ca");
    if (out.ca_pem.empty()) return {};
    return admit_certificates(key + ".ca", out.ca_pem, kCertificatesMax);
}

Admission<void> admit_client_certificate(std::string const& key, std::string_view name, std::vector<Credential> const& credentials)
{
    auto const found = std::ranges::find(credentials, name, &Credential::name);
    if (found != credentials.end() && found->kind == proto::CredentialKind::client_certificate) return {};
    return refuse(key, "is not the name of a client_certificate of credentials[]");
}

Admission<Sinks> admit_sinks(JsonView list, edge::Config const& egress, std::vector<Credential> const& credentials, std::string_view store)
{
    Sinks out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const key = "audit.sinks[" + std::to_string(i) + "]";
        JsonView const wanted = list.at(i);
        audit::Sink sink;
        edge::SinkEndpoint endpoint;
        SinkKeys keys;
        sink.name = text_of(wanted, "name");
        if (std::ranges::contains(out.sinks, sink.name, &audit::Sink::name)) return refuse(key + ".name", "is there twice");
        sink.kind = one_of(text_of(wanted, "kind"), SinkKind::file);
        sink.format = one_of(text_of(wanted, "format"), proto::SinkFormat::ocsf);
        sink.shape = one_of(text_of(wanted, "shape"), proto::SinkShape::plain);
        if (auto verdict = refuse_what_has_no_use(key, wanted, sink.kind); !verdict) return std::unexpected(verdict.error());
        if (sink.kind == SinkKind::file) {
            sink.file_bytes = static_cast<std::uint64_t>(wanted["rotate_mib"].integer().value_or(64)) * kMebi;
            sink.files = static_cast<std::uint32_t>(wanted["files"].integer().value_or(8));
            sink.place = "audit-sinks/" + sink.name;
        } else {
            if (auto verdict = admit_elsewhere(key, wanted, sink, endpoint); !verdict) return std::unexpected(verdict.error());
            if (auto verdict = admit_keys(key, wanted, egress, credentials, store, keys); !verdict) return std::unexpected(verdict.error());
        }
        sink.shows_certificate = !keys.client.empty();
        sink.has_token = !keys.token.empty();
        out.sinks.push_back(std::move(sink));
        out.endpoints.push_back(std::move(endpoint));
        out.keys.push_back(std::move(keys));
    }
    return out;
}

std::string explain_sinks(Sinks const& sinks)
{
    std::string out;
    for (std::size_t i = 0; i < sinks.sinks.size(); ++i) out += line_of(sinks.sinks[i], sinks.endpoints[i], sinks.keys[i]);
    return out;
}

}  // namespace ocu::manifest
