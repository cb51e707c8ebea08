// SPDX-License-Identifier: GPL-3.0-or-later
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>

#include <algorithm>

#include "netlink/session.h"
#include "netlink/objects.h"

namespace ocu::netlink {

namespace {

constexpr std::uint8_t kActiveBackup = 1;
constexpr std::uint32_t kLookEveryMs = 100;

Link link_of(rtnl_link* object)
{
    Link link;
    link.index = rtnl_link_get_ifindex(object);
    link.name = rtnl_link_get_name(object);
    if (char const* const kind = rtnl_link_get_type(object); kind != nullptr) link.kind = kind;
    link.mac = text_of(rtnl_link_get_addr(object));
    unsigned const flags = rtnl_link_get_flags(object);
    link.ethernet = rtnl_link_get_arptype(object) == ARPHRD_ETHER;
    link.loopback = (flags & IFF_LOOPBACK) != 0;
    link.up = (flags & IFF_UP) != 0;
    link.carrier = rtnl_link_get_carrier(object) == 1;
    link.mtu = rtnl_link_get_mtu(object);
    link.master = std::max(rtnl_link_get_master(object), 0);
    link.parent = std::max(rtnl_link_get_link(object), 0);
    if (rtnl_link_is_vlan(object) != 0) link.vlan = static_cast<std::uint16_t>(rtnl_link_vlan_get_id(object));
    return link;
}

Result<void> change(nl_sock* socket, int index, auto&& set, Literal what)
{
    LinkObject const link(rtnl_link_alloc());
    LinkObject const wanted(rtnl_link_alloc());
    if (!link || !wanted) return fail(Fault::os, "allocate link");
    rtnl_link_set_ifindex(link.get(), index);
    set(wanted.get());
    return done(rtnl_link_change(socket, link.get(), wanted.get(), 0), what);
}

// libnl knows the kind but none of its settings, so the message is put together here.
Result<Message> bond_message(std::string const& name)
{
    Message message(nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL));
    ifinfomsg const head{};
    bool good = message && nlmsg_append(message.get(), const_cast<ifinfomsg*>(&head), sizeof head, NLMSG_ALIGNTO) == 0 &&
                nla_put_string(message.get(), IFLA_IFNAME, name.c_str()) == 0;
    nlattr* const information = good ? nla_nest_start(message.get(), IFLA_LINKINFO) : nullptr;
    good = information != nullptr && nla_put_string(message.get(), IFLA_INFO_KIND, "bond") == 0;
    nlattr* const data = good ? nla_nest_start(message.get(), IFLA_INFO_DATA) : nullptr;
    good = data != nullptr && nla_put_u8(message.get(), IFLA_BOND_MODE, kActiveBackup) == 0 &&
           nla_put_u32(message.get(), IFLA_BOND_MIIMON, kLookEveryMs) == 0;
    if (!good) return fail(Fault::os, "put a bond's message together");
    nla_nest_end(message.get(), data);
    nla_nest_end(message.get(), information);
    return message;
}

}  // namespace

Result<std::vector<Link>> Session::links()
{
    nl_cache* raw = nullptr;
    OCU_CHECK(done(rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &raw), "list links"));
    Cache const cache(raw);
    std::vector<Link> out;
    for (auto* each = nl_cache_get_first(raw); each != nullptr; each = nl_cache_get_next(each))
        out.push_back(link_of(reinterpret_cast<rtnl_link*>(each)));
    std::ranges::sort(out, {}, &Link::index);
    return out;
}

Result<int> Session::index_of(std::string const& name)
{
    rtnl_link* raw = nullptr;
    OCU_CHECK(done(rtnl_link_get_kernel(socket_.get(), 0, name.c_str(), &raw), "find link"));
    LinkObject const link(raw);
    return rtnl_link_get_ifindex(raw);
}

Result<void> Session::add_veth(std::string const& name, std::string const& peer, int peer_namespace)
{
    LinkObject const link(rtnl_link_veth_alloc());
    if (!link) return fail(Fault::os, "allocate link");
    rtnl_link_set_name(link.get(), name.c_str());
    LinkObject const other(rtnl_link_veth_get_peer(link.get()));
    rtnl_link_set_name(other.get(), peer.c_str());
    rtnl_link_set_ns_fd(other.get(), peer_namespace);
    return done(rtnl_link_add(socket_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "add veth");
}

Result<void> Session::add_vlan(std::string const& name, int parent, std::uint16_t id)
{
    LinkObject const link(rtnl_link_vlan_alloc());
    if (!link) return fail(Fault::os, "allocate link");
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_link(link.get(), parent);
    OCU_CHECK(done(rtnl_link_vlan_set_id(link.get(), id), "VLAN number"));
    return done(rtnl_link_add(socket_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "add VLAN");
}

Result<void> Session::add_bond(std::string const& name)
{
    auto message = OCU_TRY(bond_message(name));
    return done(nl_send_sync(socket_.get(), message.release()), "add bond");  // frees the message
}

Result<void> Session::remove_link(int index)
{
    LinkObject const link(rtnl_link_alloc());
    if (!link) return fail(Fault::os, "allocate link");
    rtnl_link_set_ifindex(link.get(), index);
    return done(rtnl_link_delete(socket_.get(), link.get()), "remove link");
}

Result<void> Session::set_carrying(int index, Carrying carrying)
{
    return change(
        socket_.get(), index,
        [carrying](rtnl_link* wanted) {
            if (carrying == Carrying::up)
                rtnl_link_set_flags(wanted, IFF_UP);
            else
                rtnl_link_unset_flags(wanted, IFF_UP);
        },
        "bring link up or down");
}

Result<void> Session::set_mtu(int index, std::uint32_t mtu)
{
    return change(socket_.get(), index, [mtu](rtnl_link* wanted) { rtnl_link_set_mtu(wanted, mtu); }, "set MTU");
}

Result<void> Session::set_master(int index, int bond)
{
    if (bond == 0) return done(rtnl_link_release_ifindex(socket_.get(), index), "take link out of its bond");
    return done(rtnl_link_enslave_ifindex(socket_.get(), bond, index), "put link into a bond");
}

}  // namespace ocu::netlink
