// SPDX-License-Identifier: GPL-3.0-or-later
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/route/nexthop.h>
#include <sys/socket.h>

#include "netlink/session.h"
#include "netlink/objects.h"

namespace ocu::netlink {

namespace {

std::uint8_t scope_of(RouteScope scope)
{
    switch (scope) {
    case RouteScope::universe: return RT_SCOPE_UNIVERSE;
    case RouteScope::link: return RT_SCOPE_LINK;
    case RouteScope::host: return RT_SCOPE_HOST;
    }
    return RT_SCOPE_NOWHERE;
}

Result<AddressObject> object_of(Address const& address)
{
    AddressObject entry(rtnl_addr_alloc());
    if (!entry) return fail(Fault::os, "allocate address");
    auto const local = OCU_TRY(parse(address.address));
    nl_addr_set_prefixlen(local.get(), address.prefix);
    rtnl_addr_set_ifindex(entry.get(), address.link);
    OCU_CHECK(done(rtnl_addr_set_local(entry.get(), local.get()), "set address"));
    return entry;
}

Result<RouteObject> object_of(Route const& wanted)
{
    RouteObject route(rtnl_route_alloc());
    if (!route) return fail(Fault::os, "allocate route");
    auto const destination = OCU_TRY(parse(wanted.destination));
    int const family = nl_addr_get_family(destination.get());
    rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(family));
    rtnl_route_set_table(route.get(), wanted.table);
    rtnl_route_set_protocol(route.get(), RTPROT_STATIC);
    rtnl_route_set_scope(route.get(), scope_of(wanted.scope));
    if (wanted.metric != 0) rtnl_route_set_priority(route.get(), wanted.metric);
    OCU_CHECK(done(rtnl_route_set_type(route.get(), wanted.kind == RouteKind::local ? RTN_LOCAL : RTN_UNICAST), "route type"));
    OCU_CHECK(done(rtnl_route_set_dst(route.get(), destination.get()), "route destination"));
    if (!wanted.source.empty()) {
        auto const source = OCU_TRY(parse(wanted.source));
        OCU_CHECK(done(rtnl_route_set_pref_src(route.get(), source.get()), "route source"));
    }
    rtnl_nexthop* const hop = rtnl_route_nh_alloc();
    if (hop == nullptr) return fail(Fault::os, "allocate next hop");
    rtnl_route_nh_set_ifindex(hop, wanted.link);
    rtnl_route_add_nexthop(route.get(), hop);  // the route owns it now
    if (!wanted.gateway.empty()) rtnl_route_nh_set_gateway(hop, OCU_TRY(parse(wanted.gateway)).get());
    return route;
}

Route route_of(rtnl_route* object)
{
    Route route;
    bool const ipv6 = rtnl_route_get_family(object) == AF_INET6;
    nl_addr const* const destination = rtnl_route_get_dst(object);
    std::string const text = text_of(destination);
    auto const prefix = destination == nullptr ? 0 : nl_addr_get_prefixlen(destination);
    route.destination = (text.empty() ? (ipv6 ? "::" : "0.0.0.0") : text) + "/" + std::to_string(text.empty() ? 0 : prefix);
    route.table = rtnl_route_get_table(object);
    route.metric = rtnl_route_get_priority(object);
    route.source = text_of(rtnl_route_get_pref_src(object));
    route.ours = rtnl_route_get_protocol(object) != RTPROT_KERNEL;
    if (rtnl_route_get_nnexthops(object) > 0) {
        auto* const hop = rtnl_route_nexthop_n(object, 0);
        route.link = rtnl_route_nh_get_ifindex(hop);
        route.gateway = text_of(rtnl_route_nh_get_gateway(hop));
    }
    return route;
}

Result<RuleObject> object_of(Rule const& wanted)
{
    RuleObject rule(rtnl_rule_alloc());
    if (!rule) return fail(Fault::os, "allocate rule");
    auto const source = OCU_TRY(parse(wanted.source));
    rtnl_rule_set_family(rule.get(), nl_addr_get_family(source.get()));
    OCU_CHECK(done(rtnl_rule_set_src(rule.get(), source.get()), "rule source"));
    rtnl_rule_set_table(rule.get(), wanted.table);
    rtnl_rule_set_prio(rule.get(), wanted.priority);
    rtnl_rule_set_action(rule.get(), FR_ACT_TO_TBL);
    return rule;
}

}  // namespace

Result<std::vector<Address>> Session::addresses()
{
    nl_cache* raw = nullptr;
    OCU_CHECK(done(rtnl_addr_alloc_cache(socket_.get(), &raw), "list addresses"));
    Cache const cache(raw);
    std::vector<Address> out;
    for (auto* each = nl_cache_get_first(raw); each != nullptr; each = nl_cache_get_next(each)) {
        auto* const object = reinterpret_cast<rtnl_addr*>(each);
        nl_addr* const local = rtnl_addr_get_local(object);
        if (local == nullptr) continue;
        bool const ipv6 = rtnl_addr_get_family(object) == AF_INET6;
        bool const link_local = ipv6 && rtnl_addr_get_scope(object) == RT_SCOPE_LINK;
        out.push_back({rtnl_addr_get_ifindex(object), text_of(local), static_cast<std::uint8_t>(nl_addr_get_prefixlen(local)), ipv6, link_local});
    }
    return out;
}

Result<std::vector<Route>> Session::routes()
{
    nl_cache* raw = nullptr;
    OCU_CHECK(done(rtnl_route_alloc_cache(socket_.get(), AF_UNSPEC, 0, &raw), "list routes"));
    Cache const cache(raw);
    std::vector<Route> out;
    for (auto* each = nl_cache_get_first(raw); each != nullptr; each = nl_cache_get_next(each)) {
        auto* const object = reinterpret_cast<rtnl_route*>(each);
        if (rtnl_route_get_table(object) == kLocalTable || rtnl_route_get_type(object) != RTN_UNICAST) continue;
        out.push_back(route_of(object));
    }
    return out;
}

Result<std::vector<Rule>> Session::rules()
{
    std::vector<Rule> out;
    for (int const family : {AF_INET, AF_INET6}) {
        nl_cache* raw = nullptr;
        OCU_CHECK(done(rtnl_rule_alloc_cache(socket_.get(), family, &raw), "list rules"));
        Cache const cache(raw);
        for (auto* each = nl_cache_get_first(raw); each != nullptr; each = nl_cache_get_next(each)) {
            auto* const object = reinterpret_cast<rtnl_rule*>(each);
            std::string const source = text_of(rtnl_rule_get_src(object));
            // A kernel, or this library, may list both families at once.
            if (!source.empty() && rtnl_rule_get_family(object) == family) out.push_back({source, rtnl_rule_get_table(object), rtnl_rule_get_prio(object)});
        }
    }
    return out;
}

Result<void> Session::add_address(Address const& address, AddressUse use, Lifetime lifetime)
{
    auto const entry = OCU_TRY(object_of(address));
    if (use == AddressUse::own && !address.ipv6) rtnl_addr_set_scope(entry.get(), RT_SCOPE_LINK);
    if (lifetime.valid_s != kForEver) {
        rtnl_addr_set_valid_lifetime(entry.get(), lifetime.valid_s);
        rtnl_addr_set_preferred_lifetime(entry.get(), lifetime.preferred_s);
    }
    return done(rtnl_addr_add(socket_.get(), entry.get(), NLM_F_CREATE | NLM_F_REPLACE), "add address");
}

Result<void> Session::remove_address(Address const& address)
{
    auto const entry = OCU_TRY(object_of(address));
    return done(rtnl_addr_delete(socket_.get(), entry.get(), 0), "remove address");
}

Result<void> Session::add_route(Route const& route)
{
    auto const object = OCU_TRY(object_of(route));
    return done(rtnl_route_add(socket_.get(), object.get(), NLM_F_CREATE | NLM_F_EXCL), "add route");
}

Result<void> Session::remove_route(Route const& route)
{
    auto const object = OCU_TRY(object_of(route));
    rtnl_route_set_protocol(object.get(), RTPROT_UNSPEC);  // whoever added it
    rtnl_route_set_scope(object.get(), RT_SCOPE_NOWHERE);
    return done(rtnl_route_delete(socket_.get(), object.get(), 0), "remove route");
}

Result<void> Session::add_rule(Rule const& rule)
{
    auto const object = OCU_TRY(object_of(rule));
    return done(rtnl_rule_add(socket_.get(), object.get(), NLM_F_CREATE | NLM_F_EXCL), "add rule");
}

Result<void> Session::remove_rule(Rule const& rule)
{
    auto const object = OCU_TRY(object_of(rule));
    return done(rtnl_rule_delete(socket_.get(), object.get(), 0), "remove rule");
}

}  // namespace ocu::netlink
