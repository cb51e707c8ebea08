// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/allow_list.h"

#include <algorithm>

#include "edge/address.h"
#include "edge/host_name.h"

namespace ocu::edge {

namespace {

using proto::EgressProtocol;
using proto::Handling;
using proto::Reason;
using Indices = std::vector<std::size_t>;

std::string in_ticks(std::string_view text) { return '`' + std::string(text) + '`'; }

RouteVerdict refuse(Reason reason, std::string step)
{
    RouteVerdict verdict;
    verdict.reason = reason;
    verdict.step = std::move(step);
    return verdict;
}

bool names_host(Rule const& rule, std::string_view name)
{
    return std::ranges::any_of(rule.hosts, [&](auto const& host) { return host_matches(host, name); });
}

bool names_address(Rule const& rule, Address const& address)
{
    // may_dial and not lies_in alone: what only an exact range opens is not opened by a broad one.
    return !rule.ranges.empty() && may_dial(address, rule.ranges);
}

bool looks_at_requests(Rule const& rule) { return !rule.methods.empty() || !rule.paths.empty() || rule.icap; }

bool fits_protocol(Rule const& rule, EgressProtocol protocol)
{
    switch (protocol) {
    case EgressProtocol::tls: return rule.rung == Rung::bump || !looks_at_requests(rule);
    // T-12: a credential goes out in the clear into a network that the rule names, and nowhere else.
    case EgressProtocol::http: return !rule.injection || (!rule.ranges.empty() && !rule.shows_certificate());
    case EgressProtocol::tcp: return rule.rung == Rung::passthrough && !looks_at_requests(rule);
    case EgressProtocol::dns: break;
    }
    return false;
}

template <class Predicate>
Indices kept_if(Indices const& from, Predicate fits)
{
    Indices out;
    std::ranges::copy_if(from, std::back_inserter(out), fits);
    return out;
}

template <class Predicate>
Indices kept(std::vector<Rule> const& rules, Indices const& from, Predicate fits)
{
    Indices out;
    for (auto const index : from)
        if (fits(rules[index])) out.push_back(index);
    return out;
}

std::string names_of(std::vector<Rule> const& rules, Indices const& from)
{
    std::string out;
    for (auto const index : from) out += (out.empty() ? "rule " : ", rule ") + in_ticks(rules[index].name);
    return out;
}

// What is left once host or address have rules: port, protocol, rung. The inner name was judged before.
RouteVerdict settle(std::vector<Rule> const& rules, Indices fitting, proto::RouteAsked const& asked)
{
    auto const named = names_of(rules, fitting);
    fitting = kept(rules, fitting, [&](Rule const& rule) { return std::ranges::contains(rule.ports, asked.port); });
    if (fitting.empty()) return refuse(Reason::port_denied, named + " fits, but not for port " + std::to_string(asked.port));
    auto const with_port = names_of(rules, fitting);
    fitting = kept(rules, fitting, [&](Rule const& rule) { return fits_protocol(rule, asked.protocol); });
    if (fitting.empty()) return refuse(Reason::protocol_denied, with_port + " fits, but not for " + std::string(name_of(asked.protocol)));

    RouteVerdict verdict;
    verdict.handling = asked.protocol == EgressProtocol::http ? Handling::http : Handling::splice;
    if (asked.protocol == EgressProtocol::tls) {
        auto bumped = kept(rules, fitting, [](Rule const& rule) { return rule.rung == Rung::bump; });
        // A passthrough rule beside them would allow every request that a bump rule refuses.
        if (!bumped.empty()) {
            verdict.handling = Handling::bump;
            fitting = std::move(bumped);
        }
    }
    // One socket has one address: the first rule says which it may be, and only rules that say the same go with it.
    auto const& first = rules[fitting.front()];
    verdict.ranges = first.ranges;
    verdict.rules = kept(rules, fitting, [&](Rule const& rule) { return rule.ranges == first.ranges; });
    verdict.step = names_of(rules, verdict.rules) + (verdict.rules.size() == 1 ? " allows it" : " allow it");
    return verdict;
}

constexpr std::string_view kHidden = "the hello hides which name it is for, and this machine does not end it";

// T-05: spliced, the name inside would be the upstream's to read and nobody's to judge. Where TLS ends here there is no key for that name:
// the outer one, judged like any, is the only one that is ever used, and a client that meant the other ends the handshake itself.
bool hides_a_name(RouteVerdict const& verdict, proto::RouteAsked const& asked)
{
    return verdict.reason == Reason::none && asked.protocol == EgressProtocol::tls && asked.encrypted_hello &&
           verdict.handling != Handling::bump;
}

RouteVerdict route_to_name(std::vector<Rule> const& rules, proto::RouteAsked const& asked)
{
    auto const name = asked.name.view();
    Indices fitting;
    for (std::size_t i = 0; i < rules.size(); ++i)
        if (names_host(rules[i], name)) fitting.push_back(i);
    if (fitting.empty() || !is_host_name(name)) return refuse(Reason::not_allowed, "no rule names the host " + in_ticks(name));
    if (asked.protocol == EgressProtocol::tls && asked.inner_name.empty()) return refuse(Reason::no_sni, "the hello says no server name");
    bool const has_inner = asked.protocol == EgressProtocol::tls || asked.protocol == EgressProtocol::http;
    if (has_inner && asked.inner_name != asked.name)
        return refuse(Reason::name_mismatch, "opened for " + in_ticks(name) + ", but inside it says " + in_ticks(asked.inner_name.view()));
    auto verdict = settle(rules, std::move(fitting), asked);
    if (hides_a_name(verdict, asked)) return refuse(Reason::ech, std::string(kHidden));
    if (verdict.reason == Reason::none) verdict.dial_name = name;
    return verdict;
}

// Host of a request to an address: the address itself. The same one may be written in more than one way.
bool says_address(std::string_view text, Address const& address)
{
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    auto const said = parse_address(text);
    return said && *said == address;
}

RouteVerdict refuse_address(std::vector<Rule> const& rules, proto::RouteAsked const& asked, Address const& address)
{
    auto const text = in_ticks(asked.address.view());
    bool const within_hosts =
        std::ranges::any_of(rules, [&](Rule const& rule) { return !rule.hosts.empty() && names_address(rule, address); });
    if (auto const what = not_public(address); what && !within_hosts)
        return refuse(
            Reason::address_denied, "the address " + text + " is not a public one (" + std::string(*what) + ") and no rule names it");
    if (asked.protocol == EgressProtocol::tls && asked.encrypted_hello) return refuse(Reason::ech, std::string(kHidden));
    if (asked.protocol == EgressProtocol::tls && asked.inner_name.empty() && within_hosts)
        return refuse(Reason::no_sni, "the hello says no server name, and the rules for " + text + " are for names");
    bool const allowed_inside = std::ranges::any_of(rules, [&](Rule const& rule) { return names_host(rule, asked.inner_name.view()); });
    if (allowed_inside)
        return refuse(Reason::name_mismatch, "opened for " + text + ", but inside it says " + in_ticks(asked.inner_name.view()));
    return refuse(Reason::not_allowed, "no rule names the address " + text + " as such");
}

RouteVerdict route_to_address(std::vector<Rule> const& rules, proto::RouteAsked const& asked)
{
    auto const address = parse_address(asked.address.view());
    if (!address) return refuse(Reason::not_allowed, "neither a name nor an address");
    Indices fitting;
    for (std::size_t i = 0; i < rules.size(); ++i)
        if (rules[i].hosts.empty() && names_address(rules[i], *address)) fitting.push_back(i);
    if (fitting.empty()) return refuse_address(rules, asked, *address);
    // A rule of ranges names no host, so a name inside is none that it allows (domain fronting within a network). Requests say theirs.
    bool const agrees = asked.inner_name.empty() ? asked.protocol != EgressProtocol::http : says_address(asked.inner_name.view(), *address);
    if (!agrees && asked.protocol != EgressProtocol::tcp)
        return refuse(Reason::name_mismatch,
            "opened for " + in_ticks(asked.address.view()) + ", but inside it says " + in_ticks(asked.inner_name.view()));
    auto verdict = settle(rules, std::move(fitting), asked);
    if (hides_a_name(verdict, asked)) return refuse(Reason::ech, std::string(kHidden));
    if (verdict.reason == Reason::none) verdict.dial_address = text_of(*address);
    return verdict;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Slashes, dots and what some servers take for them. Escapes of escapes are taken for what is in the end.
std::string as_lenient_servers_read(std::string_view path)
{
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        std::size_t at = i;
        if (path[at] == '%')
            while (path.substr(at + 1, 2) == "25") at += 2;
        std::string_view const escape = path[at] == '%' || at != i ? path.substr(at + 1, 2) : std::string_view();
        char plain = '\0';
        if (escape.size() == 2 && escape[0] == '2' && lower(escape[1]) == 'e') plain = '.';
        if (escape.size() == 2 && escape[0] == '2' && lower(escape[1]) == 'f') plain = '/';
        if (escape.size() == 2 && escape[0] == '5' && lower(escape[1]) == 'c') plain = '/';
        if (plain != '\0') {
            out += plain;
            i = at + 2;
        } else {
            out += path[i] == '\\' ? '/' : path[i];
        }
    }
    return out;
}

// Bytes that are never in UTF-8: in an overlong form they stand for ASCII, dots and slashes among it, and old servers read them so.
bool has_overlong(std::string_view path)
{
    for (auto at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
        while (path.substr(at + 1, 2) == "25") at += 2;
        auto const escape = path.substr(at + 1, 2);
        if (escape.size() == 2 && lower(escape[0]) == 'c' && (escape[1] == '0' || escape[1] == '1')) return true;
    }
    return false;
}

// A path that is normal for us and climbs for a server which decodes once more than it should, or drops parameters ("..;x").
bool could_climb(std::string_view path)
{
    auto const read = as_lenient_servers_read(path);
    for (std::string_view rest = read; !rest.empty();) {
        auto const slash = rest.find('/');
        auto const segment = rest.substr(0, slash);
        auto const bare = segment.substr(0, segment.find(';'));
        if (bare == "." || bare == "..") return true;
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    }
    return false;
}

bool path_fits(std::vector<std::string> const& paths, std::string_view path)
{
    if (paths.empty()) return true;
    if (could_climb(path) || has_overlong(path)) return false;
    return std::ranges::any_of(paths, [&](std::string_view pattern) {
        if (!pattern.ends_with('*')) return pattern == path;
        return path.starts_with(pattern.substr(0, pattern.size() - 1));
    });
}

// "a%2Fb" is one segment for one server and two for another: no rule on paths says which. Where none of them has one, it is passed on as it
// is (npm's scoped packages).
bool has_encoded_slash(std::string_view path)
{
    for (auto at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1))
        if (path.substr(at, 2) == "%2" && at + 2 < path.size() && lower(path[at + 2]) == 'f') return true;
    return false;
}

bool method_fits(Rule const& rule, std::string_view method)
{
    // Within a request's route there is no second tunnel; and TRACE would send the injected credential back in a body (T-12).
    if (method == "CONNECT" || (method == "TRACE" && rule.injection)) return false;
    return rule.methods.empty() || std::ranges::contains(rule.methods, method);
}

}  // namespace

bool AllowList::name_may(std::string_view name) const
{
    return is_host_name(name) && std::ranges::any_of(rules_, [&](Rule const& rule) { return names_host(rule, name); });
}

RouteVerdict AllowList::route(proto::RouteAsked const& asked) const
{
    return asked.name.empty() ? route_to_address(rules_, asked) : route_to_name(rules_, asked);
}

RequestVerdict AllowList::request(std::span<std::size_t const> rules, std::string_view route_name, proto::RequestAsked const& asked) const
{
    auto const address = parse_address(route_name);
    bool const same = address ? says_address(asked.host.view(), *address) : asked.host.view() == route_name;
    if (!same) return {Reason::name_mismatch, 0, "the connection is for " + in_ticks(route_name) + ", and the request for another host"};
    Indices const fitting(rules.begin(), rules.end());
    auto const has_paths = [&](std::size_t index) { return index < rules_.size() && !rules_[index].paths.empty(); };
    if (has_encoded_slash(asked.path.view()) && std::ranges::any_of(fitting, has_paths))
        return {
            Reason::path_denied, 0, names_of(rules_, kept_if(fitting, has_paths)) + " has paths, and an encoded slash can be read as two"};
    Reason reason = rules.empty() ? Reason::not_allowed : Reason::method_denied;
    for (auto const index : rules) {
        if (index >= rules_.size() || !method_fits(rules_[index], asked.method.view())) continue;
        if (path_fits(rules_[index].paths, asked.path.view())) return {Reason::none, index, {}};
        reason = Reason::path_denied;
    }
    if (rules.empty()) return {reason, 0, "no rule is left that could allow a request"};
    bool const by_path = reason == Reason::path_denied;
    return {reason, 0,
        names_of(rules_, fitting) + " fits, but not for " + (by_path ? "this path" : "the method " + in_ticks(asked.method.view()))};
}

}  // namespace ocu::edge
