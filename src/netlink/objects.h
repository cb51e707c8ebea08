// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Owners for what libnl allocates. Internal to this folder.

#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace ocu::netlink {

template <auto Free>
struct ObjectFreer {
    void operator()(auto* object) const { Free(object); }
};
using LinkObject = std::unique_ptr<rtnl_link, ObjectFreer<rtnl_link_put>>;
using AddressObject = std::unique_ptr<rtnl_addr, ObjectFreer<rtnl_addr_put>>;
using RouteObject = std::unique_ptr<rtnl_route, ObjectFreer<rtnl_route_put>>;
using RuleObject = std::unique_ptr<rtnl_rule, ObjectFreer<rtnl_rule_put>>;
using NetAddress = std::unique_ptr<nl_addr, ObjectFreer<nl_addr_put>>;
using Cache = std::unique_ptr<nl_cache, ObjectFreer<nl_cache_free>>;
using Message = std::unique_ptr<nl_msg, ObjectFreer<nlmsg_free>>;

// libnl's answer as ours.
Result<void> done(int code, Literal what);
// "192.0.2.7" or "192.0.2.0/24". Errors: malformed.
Result<NetAddress> parse(std::string const& text);
// Without the prefix; empty for no address.
std::string text_of(nl_addr const* address);

}  // namespace ocu::netlink
