// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_source.h"

#include <algorithm>

#include "appliance/manifest/admit_authority.h"
#include "appliance/manifest/admit_certificates.h"
#include "edge/address.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kCertificatesMax = 8;

std::string text_of(JsonView section, std::string_view key) { return std::string(section[key].string().value_or("")); }

Admission<void> admit_endpoint(std::string const& key, std::string_view text, proto::SecretSource& source)
{
    if (!text.starts_with(kScheme)) return refuse(key, "must begin with https://: a credential is asked for over TLS or on this host");
    auto const host = text.substr(kScheme.size());
    if (host.find_first_of("/?#@") != std::string_view::npos) return refuse(key, "is https://HOST[:PORT], and nothing else");
    auto authority = admit_authority(key, host, kHttpsPort);
    if (!authority) return std::unexpected(authority.error());
    source.host = std::move(authority->host);
    source.port = authority->port;
    if (authority->address) source.ranges.push_back(edge::parse_range(source.host).value());
    return {};
}

Admission<void> admit_addresses(std::string const& key, JsonView list, proto::SecretSource& source)
{
    if (!list) return {};
    if (!source.ranges.empty()) return refuse(key, "has no use beside a numeric host, which is dialled as it is");
    if (list.size() == 0) return refuse(key, "is empty: leave it out for public addresses");
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto range = admit_range(key + "[" + std::to_string(i) + "]", list.at(i).string().value_or(""));
        if (!range) return std::unexpected(range.error());
        source.ranges.push_back(*range);
    }
    return {};
}

Admission<void> admit_ca(std::string const& key, std::string text, proto::SecretSource& source)
{
    if (text.empty()) return refuse(key, "is missing: the endpoint is verified against it, and against nothing else");
    if (auto const good = admit_certificates(key, text, kCertificatesMax); !good) return std::unexpected(good.error());
    source.ca_pem = std::move(text);
    return {};
}

}  // namespace

Admission<proto::SecretSource> admit_source(std::string const& key, JsonView wanted, std::span<Credential const> credentials)
{
    proto::SecretSource source;
    source.unix_path = text_of(wanted, "unix");
    auto const endpoint = text_of(wanted, "endpoint");
    if (source.unix_path.empty() == endpoint.empty()) return refuse(key, "names either unix or endpoint");
    if (!source.unix_path.empty()) {
        for (auto const* each : {"addresses", "ca", "client"})
            if (wanted[each]) return refuse(key + "." + each, "belongs to an endpoint; over a unix socket there is no TLS");
        return source;
    }
    if (auto verdict = admit_endpoint(key + ".endpoint", endpoint, source); !verdict) return std::unexpected(verdict.error());
    if (auto verdict = admit_addresses(key + ".addresses", wanted["addresses"], source); !verdict) return std::unexpected(verdict.error());
    if (auto verdict = admit_ca(key + ".ca", text_of(wanted, "ca"), source); !verdict) return std::unexpected(verdict.error());
    source.client = text_of(wanted, "client");
    auto const client = std::ranges::find(credentials, source.client, &Credential::name);
    if (client == credentials.end() || client->kind != proto::CredentialKind::client_certificate)
        return refuse(key + ".client", "is not the name of a client_certificate of credentials[]: an endpoint is told who asks");
    return source;
}

}  // namespace ocu::manifest
