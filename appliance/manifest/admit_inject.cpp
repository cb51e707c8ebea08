// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_inject.h"

#include <algorithm>

#include "appliance/manifest/admit_source.h"
#include "edge/address.h"
#include "sandbox/trust.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr std::size_t kEnvironmentBytesMax = 64;

std::string text_or(JsonView section, std::string_view key, std::string_view fallback)
{
    return std::string(section[key].string().value_or(fallback));
}

// Headers that say how a message travels: to replace one would change what the next reader takes for the request (request smuggling).
bool is_of_the_connection(std::string_view header)
{
    constexpr std::string_view kOfTheConnection[] = {"host", "content-length", "transfer-encoding", "connection", "keep-alive",
        "proxy-connection", "proxy-authenticate", "te", "trailer", "upgrade", "expect", "content-encoding", "via", "forwarded"};
    return std::ranges::contains(kOfTheConnection, header);
}

// Variables that programs obey: a token in one of them would break or steer the guest.
bool is_obeyed(std::string_view name)
{
    constexpr std::string_view kNames[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "ENV", "IFS", "PWD", "OLDPWD", "TERM", "TZ", "LANG",
        "LANGUAGE", "TMPDIR", "EDITOR", "PAGER", "RUBYOPT", "RUBYLIB", "JAVA_TOOL_OPTIONS", "CLASSPATH", "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE", "HOSTALIASES", "HOSTNAME"};
    constexpr std::string_view kBeginnings[] = {
        "LD_", "LC_", "BASH", "PYTHON", "NODE_", "NPM_", "PERL", "GIT_", "SSL_", "GCONV_", "MALLOC_", "GLIBC_", "XDG_", "PROMPT_", "PS"};
    return std::ranges::contains(kNames, name) || name.ends_with("_PROXY") ||
           std::ranges::any_of(kBeginnings, [&](auto each) { return name.starts_with(each); });
}

std::string variable_for(std::string_view rule)
{
    std::string out = "OCU_TOKEN_";
    for (char const c : rule) {
        bool const small = c >= 'a' && c <= 'z';
        bool const plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out += small ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
    }
    return out.substr(0, kEnvironmentBytesMax);
}

std::size_t count_of(std::string_view text, std::string_view part)
{
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

// How the credential is shown, and that it is of that kind: a private key never goes into a header.
Admission<void> admit_form(std::string const& key, JsonView wanted, Credential const& credential, edge::Injection& injection)
{
    bool const certificate = wanted["as"].string() == "client_certificate";
    if (certificate != (credential.kind == proto::CredentialKind::client_certificate))
        return refuse(key + ".inject.as", certificate ? "is client_certificate, and " + credential.name + " is of another kind"
                                                      : "must be client_certificate: that is what " + credential.name + " is");
    if (certificate && wanted["format"])
        return refuse(key + ".inject.format", "has no use for a client certificate: the header is removed");
    injection.as = certificate ? edge::Shown::client_certificate : edge::Shown::header;
    return {};
}

// Sealed here, or asked for elsewhere, and never in doubt which.
Admission<Credential> admit_origin(
    std::string const& key, JsonView wanted, std::span<Credential const> credentials, edge::Injection& injection)
{
    auto const sealed = std::ranges::find(credentials, injection.credential, &Credential::name);
    JsonView const source = wanted["source"];
    if (!source || source.size() == 0) {
        if (sealed == credentials.end()) return refuse(key + ".inject.credential", "is not the name of one of credentials[]");
        return *sealed;
    }
    if (injection.credential.empty()) return refuse(key + ".inject.credential", "is missing: it is what the source is asked for");
    if (sealed != credentials.end())
        return refuse(
            key + ".inject.credential", "is sealed in credentials[], and the source would be asked for it as well: one of the two");
    if (wanted["as"].string() == "client_certificate")
        return refuse(key + ".inject.as", "is client_certificate: its key signs in custody, and is sealed in credentials[]");
    auto admitted = admit_source(key + ".inject.source", source, credentials);
    if (!admitted) return std::unexpected(admitted.error());
    injection.source = std::move(*admitted);
    return Credential{injection.credential, {}, proto::CredentialKind::value};
}

// Whether some name fits both.
bool hosts_meet(std::string const& one, std::string const& other)
{
    auto const covers = [](std::string const& wide, std::string const& narrow) {
        return wide.starts_with("*.") && narrow.ends_with(wide.substr(1)) && narrow.size() > wide.size() - 1;
    };
    return one == other || covers(one, other) || covers(other, one);
}

bool rules_meet(edge::Rule const& one, edge::Rule const& other)
{
    bool const port = std::ranges::any_of(one.ports, [&](auto each) { return std::ranges::contains(other.ports, each); });
    if (!port || one.hosts.empty() != other.hosts.empty()) return false;
    if (one.hosts.empty())
        return std::ranges::any_of(one.ranges, [&](auto const& mine) {
            return std::ranges::any_of(other.ranges,
                [&](auto const& theirs) { return edge::lies_in(mine.address, theirs) || edge::lies_in(theirs.address, mine); });
        });
    return std::ranges::any_of(one.hosts,
        [&](auto const& mine) { return std::ranges::any_of(other.hosts, [&](auto const& theirs) { return hosts_meet(mine, theirs); }); });
}

}  // namespace

Admission<void> admit_beside(std::string const& key, edge::Rule const& rule, edge::Rule const& other)
{
    bool const bumps = rule.rung == edge::Rung::bump && other.rung == edge::Rung::bump;
    if (!bumps || (!rule.shows_certificate() && !other.shows_certificate()) || !rules_meet(rule, other)) return {};
    return refuse(key, "opens what rule " + other.name +
                           " opens too, and one of them shows a client certificate: such a rule has its hosts and ports for itself");
}

Admission<edge::Injection> admit_inject(
    std::string const& key, JsonView wanted, edge::Rule const& rule, std::span<Credential const> credentials)
{
    if (rule.rung != edge::Rung::bump) return refuse(key + ".inject", "needs rung bump: a passthrough rule sees no request");
    edge::Injection injection;
    injection.credential = text_or(wanted, "credential", "");
    auto const credential = admit_origin(key, wanted, credentials, injection);
    if (!credential) return std::unexpected(credential.error());
    injection.header = text_or(wanted, "header", "authorization");
    for (char& c : injection.header)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (is_of_the_connection(injection.header))
        return refuse(key + ".inject.header", "says how a request travels and cannot carry a credential");
    if (auto verdict = admit_form(key, wanted, *credential, injection); !verdict) return std::unexpected(verdict.error());
    injection.format = text_or(wanted, "format", "Bearer {}");
    bool const basic = injection.format == "{basic}";
    if (!basic && (count_of(injection.format, "{}") != 1 || injection.format.contains("{basic}")))
        return refuse(key + ".inject.format", "must contain {} once, where the credential goes, or be {basic}");
    injection.environment = text_or(wanted, "environment", variable_for(rule.name));
    // The last word is the agent's, and what tells programs whom to trust is set beside it.
    bool const free = proto::may_be_set(injection.environment) && std::ranges::none_of(sandbox::trust_variables(), [&](auto const& each) {
        return each.name.view() == injection.environment;
    });
    if (!free || is_obeyed(injection.environment)) return refuse(key + ".inject.environment", "is a variable that programs obey");
    return injection;
}

}  // namespace ocu::manifest
