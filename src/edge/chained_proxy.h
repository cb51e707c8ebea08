// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What goes by the customer's proxy, and what it is told (EG-9; T-05). The thread and `uplink` ask the same functions: the thread so that it
// knows where a socket may lead that it is handed. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "edge/address.h"

namespace ocu::edge {

// Whether the proxy is told the name of this dial, which is then not resolved here: its addresses are judged by nobody but the proxy. Never
// where the rule has ranges of its own, which only we can hold a name to.
bool proxy_resolves(proto::ChainedProxy const& proxy, proto::Dial const& dial);

// Whether that address is dialled from here: there is no proxy, or the manifest says so.
bool goes_direct(proto::ChainedProxy const& proxy, Address const& address);

// Not what is another machine as seen from there: loopback, link-local, the addresses where clouds keep a machine's credentials, many at
// once. A rule that names one means the one that this machine sees.
bool may_go_by_proxy(Address const& address);

// Whether a connection of ours to that address may be one to the proxy.
bool may_be_proxy(proto::ChainedProxy const& proxy, Address const& address);

// host:port of the proxy, for people.
std::string name_of(proto::ChainedProxy const& proxy);

// The request for a tunnel. `host`: numeric, or satisfies is_host_name, so that no guest can put a byte of grammar into it (T-02).
std::string tunnel_request(std::string_view host, std::uint16_t port);

}  // namespace ocu::edge
