// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_store.h"

#include <algorithm>
#include <format>

#include "appliance/manifest/admit_authority.h"
#include "appliance/manifest/admit_certificates.h"
#include "proto/store_place.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr char kKey[] = "storage.s3";
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";
constexpr std::size_t kCertificatesMax = 16;

std::string text_of(JsonView section, std::string_view key) { return std::string(section[key].string().value_or("")); }

// The keys of one store of the manifest's.
struct Keys {
    std::string section;
    std::string operator()(std::string_view member) const { return section + "." + std::string(member); }
};

Admission<Authority> admit_endpoint(Keys const& key_of, JsonView wanted, storage::S3Place& place)
{
    place.endpoint = text_of(wanted, "endpoint");
    bool const plain = wanted["plain"].boolean().value_or(false);
    bool const tls = place.endpoint.starts_with(kHttps);
    if (tls && plain) return refuse(key_of("plain"), "contradicts the endpoint, which is https");
    if (!tls && !plain)
        return refuse(
            key_of("endpoint"), "must be https, or " + key_of("plain") + " true: without TLS whoever is on the way can change and remove objects");
    auto const host = std::string_view(place.endpoint).substr(tls ? kHttps.size() : kHttp.size());
    auto authority = admit_authority(key_of("endpoint"), host, tls ? 443 : 80);
    if (!authority) return authority;
    if (authority->address && !place.path_style)
        return refuse(key_of("path_style"), "must be true with a numeric endpoint: a bucket cannot be part of an address");
    return authority;
}

// What the manifest names by itself may be private; what no store can be, or what would hand out this cloud machine's own credentials, may not.
Admission<std::string> admit_address(std::string const& key, edge::Address const& address, std::string_view profile)
{
    auto const what = edge::not_public(address).value_or("");
    if (what == "loopback" && profile != "trusted_operator")
        return refuse(key, "is this machine itself: only a trusted operator's own trial keeps its store there");
    if (!what.empty() && what != "private" && what != "shared" && what != "loopback")
        return refuse(key, "is no address that a store can have: " + std::string(what));
    return edge::text_of(address);
}

Admission<edge::StoreEndpoint> admit_addresses(Keys const& key_of, JsonView wanted, Authority const& authority, std::string_view profile)
{
    edge::StoreEndpoint out{{}, authority.port, profile == "trusted_operator"};
    JsonView const list = wanted["addresses"];
    if (authority.address && list) return refuse(key_of("addresses"), "has no use beside a numeric endpoint, which is dialled as it is");
    if (authority.address) {
        auto address = admit_address(key_of("endpoint"), *authority.address, profile);
        if (!address) return std::unexpected(address.error());
        out.addresses.push_back(std::move(*address));
        return out;
    }
    if (list.size() == 0)
        return refuse(key_of("addresses"), "is missing: no name is resolved for the store, its numeric addresses are declared");
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const key = key_of("addresses") + "[" + std::to_string(i) + "]";
        auto const parsed = edge::parse_address(list.at(i).string().value_or(""));
        if (!parsed) return refuse(key, "is not one numeric address, without prefix and port");
        auto address = admit_address(key, *parsed, profile);
        if (!address) return std::unexpected(address.error());
        if (std::ranges::contains(out.addresses, *address)) return refuse(key, "is there twice");
        out.addresses.push_back(std::move(*address));
    }
    return out;
}

// What is removed is removed by prefix: it must be one that can be nobody else's by accident of spelling.
Admission<std::string> admit_prefix(Keys const& key_of, std::string prefix)
{
    if (!prefix.ends_with('/')) prefix += '/';
    if (prefix.starts_with('/') || prefix.contains("//") || ("/" + prefix).contains("/./") || ("/" + prefix).contains("/../"))
        return refuse(key_of("prefix"), "is not normal: no / at its beginning, no empty part, no . or ..");
    return prefix;
}

Admission<void> admit_names(Keys const& key_of, JsonView wanted, storage::S3Place& place)
{
    place.region = std::string(wanted["region"].string().value_or("us-east-1"));
    place.bucket = text_of(wanted, "bucket");
    if (place.bucket.contains("..") || edge::parse_address(place.bucket))
        return refuse(key_of("bucket"), "is not a name that a bucket can have");
    if (place.bucket.contains('.') && !place.path_style && place.endpoint.starts_with(kHttps))
        return refuse(key_of("bucket"), "has a dot, which no certificate for buckets below one name covers: set " + key_of("path_style"));
    auto prefix = admit_prefix(key_of, text_of(wanted, "prefix"));
    if (!prefix) return std::unexpected(prefix.error());
    place.prefix = std::move(*prefix);
    return {};
}

Admission<std::string> admit_ca(Keys const& key_of, JsonView wanted, storage::S3Place const& place, edge::Config const& egress)
{
    auto own = text_of(wanted, "ca");
    if (!place.endpoint.starts_with(kHttps)) {
        if (!own.empty()) return refuse(key_of("ca"), "has no use: the endpoint is http");
        return own;
    }
    if (own.empty() && !egress.extra_roots_pem.empty() && egress.extra_roots_pem.size() <= proto::kStoreCaBytesMax)
        return egress.extra_roots_pem;
    if (own.empty())
        return refuse(key_of("ca"), "is missing: the store is verified against it, or against egress.ca_bundle (at most 64 KiB)");
    if (auto const good = admit_certificates(key_of("ca"), own, kCertificatesMax); !good) return std::unexpected(good.error());
    return own;
}

// One credential for one purpose: what opens the store is written to brokers, and what a rule lends goes to sessions' edges.
Admission<std::string> admit_credential(Keys const& key_of, std::string name, edge::Config const& egress, std::span<Credential const> credentials)
{
    auto const key = key_of("credential");
    auto const found = std::ranges::find(credentials, name, &Credential::name);
    if (found == credentials.end()) return refuse(key, "is not the name of one of credentials[]");
    if (found->kind != proto::CredentialKind::value) return refuse(key, "is a client certificate, and not an access key");
    for (auto const& rule : egress.rules)
        if (rule.injection && (rule.injection->credential == name || (rule.injection->source && rule.injection->source->client == name)))
            return refuse(key, "is lent by rule " + rule.name + ": what opens the store is for nothing else");
    if (egress.webhook && egress.webhook->key == name)
        return refuse(key, "signs what egress.tripwire.webhook is told: what opens the store is for nothing else");
    return name;
}

std::string listed(std::vector<std::string> const& list)
{
    std::string out;
    for (auto const& each : list) out += (out.empty() ? "" : ", ") + printable(each);
    return out;
}

}  // namespace

Admission<Store> admit_s3(
    std::string_view section, JsonView wanted, std::string_view profile, edge::Config const& egress, std::span<Credential const> credentials)
{
    Store store;
    Keys const key_of{std::string(section)};
    for (auto const* each : {"endpoint", "bucket", "prefix", "credential"})
        if (!wanted || !wanted[each]) return refuse(key_of(each), "is missing");
    storage::S3Place place;
    place.path_style = wanted["path_style"].boolean().value_or(false);
    auto const authority = admit_endpoint(key_of, wanted, place);
    if (!authority) return std::unexpected(authority.error());
    auto endpoint = admit_addresses(key_of, wanted, *authority, profile);
    if (!endpoint) return std::unexpected(endpoint.error());
    if (auto verdict = admit_names(key_of, wanted, place); !verdict) return std::unexpected(verdict.error());
    auto ca = admit_ca(key_of, wanted, place, egress);
    if (!ca) return std::unexpected(ca.error());
    auto credential = admit_credential(key_of, text_of(wanted, "credential"), egress, credentials);
    if (!credential) return std::unexpected(credential.error());
    place.ca_pem = std::move(*ca);
    store.place = std::move(place);
    store.endpoint = std::move(*endpoint);
    store.credential = std::move(*credential);
    return store;
}

Admission<Store> admit_store(
    JsonView section, std::string_view profile, edge::Config const& egress, std::span<Credential const> credentials)
{
    JsonView const wanted = section["s3"];
    if (section["engine"].string() == "s3") return admit_s3(kKey, wanted, profile, egress, credentials);
    if (wanted && wanted.size() != 0) return refuse(kKey, "has no effect: storage.engine is local");
    return Store{};
}

std::string explain_way(Store const& store)
{
    return std::format("  It is connected to at {}, port {}; no name is resolved for it. Its requests are signed with credential {}.\n",
        listed(store.endpoint.addresses), store.endpoint.port, printable(store.credential));
}

std::string explain_store(Store const& store)
{
    if (!store.place) return "Files of a session stay on this machine while it lives";
    auto const& place = *store.place;
    auto out = std::format("Files of a session lie, sealed, in the bucket {} of {} (region {}), below {}, and go when it ends.\n",
        printable(place.bucket), printable(place.endpoint), printable(place.region), printable(place.prefix));
    out += explain_way(store);
    out += place.ca_pem.empty() ? "  WARNING: without TLS. Whoever is on the way sees which objects are written, and can change and remove "
                                  "them; what is in them stays "
                                  "sealed, and a change is noticed.\n"
                                : "  Only the certificates of the manifest vouch for it.\n";
    return out + "  Of a session";
}

}  // namespace ocu::manifest
