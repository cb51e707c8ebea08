// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/chained_proxy.h"

#include <algorithm>

#include "edge/events.h"

namespace ocu::edge {

namespace {

bool is_of_each_machine(std::string_view what)
{
    constexpr std::string_view kOwn[] = {"loopback", "this network", "link-local", "metadata", "multicast", "broadcast"};
    return std::ranges::find(kOwn, what) != std::end(kOwn);
}

}  // namespace

bool proxy_resolves(proto::ChainedProxy const& proxy, proto::Dial const& dial)
{
    return proxy && proxy.resolves && !dial.direct && !dial.name.empty() && dial.ranges.items().empty();
}

bool goes_direct(proto::ChainedProxy const& proxy, Address const& address)
{
    return !proxy || std::ranges::any_of(proxy.direct.items(), [&](auto const& range) { return lies_in(address, range); });
}

bool may_go_by_proxy(Address const& address) { return !is_of_each_machine(not_public(address).value_or("")); }

bool may_be_proxy(proto::ChainedProxy const& proxy, Address const& address)
{
    if (proxy.address.empty()) return may_go_by_proxy(address);
    auto const own = parse_address(proxy.address.view());
    return own && *own == address;
}

std::string name_of(proto::ChainedProxy const& proxy)
{
    return host_and_port(proxy.address.empty() ? proxy.name.view() : proxy.address.view(), proxy.port);
}

std::string tunnel_request(std::string_view host, std::uint16_t port)
{
    auto const authority = host_and_port(host, port);
    return "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
}

}  // namespace ocu::edge
