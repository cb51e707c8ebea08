// SPDX-License-Identifier: GPL-3.0-or-later
// Face: DHCP servers' messages, and the client that hears them. Whatever is accepted lies inside all bounds, whatever order it comes in.
#include "base/assert.h"
#include "network/dhcp_client.h"

using namespace ocu::network;

namespace {

constexpr Mac kMac{0x52, 0x54, 0, 0x12, 0x34, 0x56};
constexpr std::uint32_t kTransaction = 0x3903f326;

void check(Reply const& reply)
{
    if (reply.type == MessageType::nak) return;
    OCU_ASSERT(reply.prefix >= kPrefixMin && reply.prefix <= kPrefixMax);
    OCU_ASSERT(reply.address >> 24 != 0 && reply.address >> 24 != 127 && reply.address >> 28 < 0xe);
    OCU_ASSERT(reply.gateway == 0 || (reply.gateway ^ reply.address) >> (32 - reply.prefix) == 0);
    OCU_ASSERT(kRenewAfterMin <= reply.renew && reply.renew < reply.rebind && reply.rebind < reply.lease && reply.lease <= kLeaseMax);
}

}  // namespace

// The input is one message, or several, each behind two bytes of length, with some time in between.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto bytes = std::as_bytes(std::span(data, size));
    if (auto const reply = parse_reply(bytes, {kTransaction, kMac})) check(*reply);
    ocu::ManualClock clock;
    DhcpClient client(clock, [] { return kTransaction; }, kMac);
    (void)client.start();
    while (bytes.size() >= 2) {
        auto const length = std::min<std::size_t>(std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]), bytes.size() - 2);
        (void)client.on_message(bytes.subspan(2, length));
        clock.advance(std::chrono::seconds(1 + length % 97));
        auto const step = client.on_time();
        for (auto const& each : step.send) OCU_ASSERT(each.message.size() <= kMessageBytesMax);
        OCU_ASSERT(client.wake_at() <= clock.now() + kLeaseMax);
        bytes = bytes.subspan(2 + length);
    }
    (void)client.on_message(std::as_bytes(std::span(data, size)));
    return 0;
}
