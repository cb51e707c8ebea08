// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A lane's DNS socket: datagrams with who sent them and which address they were sent to, IPv4 and IPv6. Threading: the loop's thread.

#include <netinet/in.h>

#include <span>
#include <vector>

#include "base/result.h"
#include "edge/resolver.h"

namespace ocu::edge {

// Whom to answer, and from which address: a resolver in the guest ignores an answer from anyone but the one that it asked.
struct DnsPeer {
    sockaddr_storage from{};
    socklen_t from_size = 0;
    in_pktinfo to4{};
    in6_pktinfo to6{};
};

// Asks the kernel to say where datagrams were sent to. Errors: os.
Result<void> prepare_dns_socket(int fd);
// `bytes`: room for kDnsDatagramBytesMax. How many there are; nothing if none is waiting.
std::optional<std::size_t> receive_query(int fd, std::span<std::uint8_t> bytes, DnsPeer& peer);
// A lost answer is a lost datagram: the guest asks again.
void send_answer(int fd, DnsPeer const& peer, std::span<std::uint8_t const> bytes);

}  // namespace ocu::edge
