// SPDX-License-Identifier: GPL-3.0-or-later
#include "network/dhcp_face.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace ocu::network {

namespace {

constexpr std::uint8_t kRequestOp = 1;
constexpr std::uint8_t kReplyOp = 2;
constexpr std::uint8_t kEthernet = 1;
constexpr std::uint8_t kMacBytes = 6;
constexpr std::uint32_t kCookie = 0x63825363;
constexpr std::uint16_t kBroadcastFlag = 0x8000;  // until it has an address, only a broadcast reaches it

constexpr std::size_t kTransactionAt = 4;
constexpr std::size_t kYourAddressAt = 16;
constexpr std::size_t kHardwareAt = 28;
constexpr std::size_t kCookieAt = 236;
constexpr std::size_t kOptionsAt = 240;

enum Option : std::uint8_t {
    kPad = 0,
    kMask = 1,
    kRouter = 3,
    kWantedAddress = 50,
    kLeaseTime = 51,
    kOverload = 52,
    kType = 53,
    kServer = 54,
    kParameters = 55,
    kSizeMax = 57,
    kRenewTime = 58,
    kRebindTime = 59,
    kEnd = 255,
};

std::uint8_t byte_at(std::span<std::byte const> bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }

std::uint32_t number_at(std::span<std::byte const> bytes, std::size_t at)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | byte_at(bytes, at + i);
    return value;
}

// Those options that are read, each at most once.
struct Options {
    std::optional<std::uint32_t> type, mask, router, server, lease, renew, rebind;
};

Result<void> take_number(std::optional<std::uint32_t>& into, std::span<std::byte const> value)
{
    if (into) return fail(Fault::malformed, "an option is there twice");
    if (value.size() != 4) return fail(Fault::malformed, "an option has the wrong length");
    into = number_at(value, 0);
    return {};
}

Result<void> take_option(Options& options, std::uint8_t code, std::span<std::byte const> value)
{
    switch (code) {
    case kMask: return take_number(options.mask, value);
    case kServer: return take_number(options.server, value);
    case kLeaseTime: return take_number(options.lease, value);
    case kRenewTime: return take_number(options.renew, value);
    case kRebindTime: return take_number(options.rebind, value);
    case kRouter:
        if (value.empty() || value.size() % 4 != 0) return fail(Fault::malformed, "an option has the wrong length");
        return take_number(options.router, value.first(4));  // in order of preference
    case kType:
        if (options.type || value.size() != 1) return fail(Fault::malformed, "no clear message type");
        options.type = byte_at(value, 0);
        return {};
    // It would make two more fields into options: a second grammar for the same thing, which nobody needs today.
    case kOverload: return fail(Fault::malformed, "options in other fields");
    default: return {};
    }
}

Result<Options> parse_options(std::span<std::byte const> bytes)
{
    Options options;
    while (!bytes.empty()) {
        auto const code = byte_at(bytes, 0);
        if (code == kEnd) return options;
        if (code == kPad) {
            bytes = bytes.subspan(1);
            continue;
        }
        if (bytes.size() < 2 || bytes.size() - 2 < byte_at(bytes, 1)) return fail(Fault::malformed, "an option is cut off");
        std::size_t const size = byte_at(bytes, 1);
        OCU_CHECK(take_option(options, code, bytes.subspan(2, size)));
        bytes = bytes.subspan(2 + size);
    }
    return fail(Fault::malformed, "options have no end");
}

// One that a machine on a network can have: not this host, loopback, multicast or beyond.
bool is_host(Ip address) { return address >> 24 != 0 && address >> 24 != 127 && address >> 24 < 224; }

Result<std::uint8_t> prefix_of(std::optional<std::uint32_t> mask)
{
    if (!mask) return fail(Fault::malformed, "no subnet mask");
    int const ones = std::countl_one(*mask);
    if (std::popcount(*mask) != ones) return fail(Fault::denied, "the subnet mask has holes");
    if (ones < kPrefixMin || ones > kPrefixMax) return fail(Fault::denied, "a subnet of this size is not taken");
    return static_cast<std::uint8_t>(ones);
}

Result<void> judge_addresses(Reply const& reply)
{
    Ip const mask = ~Ip{0} << (32 - reply.prefix);
    auto const is_edge = [mask](Ip address) { return (address & ~mask) == 0 || (address & ~mask) == ~mask; };
    if (!is_host(reply.address) || is_edge(reply.address)) return fail(Fault::denied, "no machine can have this address");
    if (reply.gateway == 0) return {};
    bool const beside = (reply.gateway & mask) == (reply.address & mask);
    if (!beside || is_edge(reply.gateway) || reply.gateway == reply.address) return fail(Fault::denied, "the router is not on the subnet");
    return {};
}

Result<void> judge_times(Reply& reply, Options const& options)
{
    if (!options.lease) return fail(Fault::malformed, "no lease time");
    reply.lease = std::chrono::seconds(*options.lease);
    if (reply.lease < kLeaseMin) return fail(Fault::denied, "the lease is too short");
    bool const cut = reply.lease > kLeaseMax;
    reply.lease = std::min(reply.lease, kLeaseMax);
    reply.renew = reply.lease / 2;
    reply.rebind = reply.lease * 7 / 8;
    std::chrono::seconds const renew(options.renew.value_or(0));
    std::chrono::seconds const rebind(options.rebind.value_or(0));
    if (!cut && renew >= kRenewAfterMin && renew < reply.rebind) reply.renew = renew;
    if (!cut && rebind > reply.renew && rebind < reply.lease) reply.rebind = rebind;
    return {};
}

class Writer {
public:
    void number(std::uint64_t value, std::size_t size)
    {
        for (std::size_t i = size; i-- > 0;) bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
    }
    void option(std::uint8_t code, std::uint64_t value, std::size_t size)
    {
        number(code, 1);
        number(size, 1);
        number(value, size);
    }
    void zeros_to(std::size_t size) { bytes_.resize(std::max(size, bytes_.size())); }
    std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

}  // namespace

Result<Reply> parse_reply(std::span<std::byte const> message, Expected const& expected)
{
    if (message.size() > kMessageBytesMax) return fail(Fault::over_limit, "message too large");
    if (message.size() < kMessageBytesMin) return fail(Fault::malformed, "message too short");
    if (byte_at(message, 0) != kReplyOp || byte_at(message, 1) != kEthernet || byte_at(message, 2) != kMacBytes)
        return fail(Fault::malformed, "not a reply for a network card");
    if (number_at(message, kTransactionAt) != expected.transaction) return fail(Fault::not_found, "another transaction");
    if (!std::ranges::equal(message.subspan(kHardwareAt, kMacBytes), std::as_bytes(std::span(expected.mac))))
        return fail(Fault::not_found, "another card");
    if (number_at(message, kCookieAt) != kCookie) return fail(Fault::malformed, "not DHCP");
    auto const options = OCU_TRY(parse_options(message.subspan(kOptionsAt)));
    Reply reply;
    // Who it is from is part of what is answered; without it nobody could be asked to prolong.
    if (!options.type || !options.server || !is_host(*options.server)) return fail(Fault::malformed, "no type or no server");
    reply.type = static_cast<MessageType>(*options.type);
    reply.server = *options.server;
    if (reply.type == MessageType::nak) return reply;
    if (reply.type != MessageType::offer && reply.type != MessageType::ack) return fail(Fault::malformed, "not a server's message");
    reply.address = number_at(message, kYourAddressAt);
    reply.gateway = options.router.value_or(0);
    reply.prefix = OCU_TRY(prefix_of(options.mask));
    OCU_CHECK(judge_addresses(reply));
    OCU_CHECK(judge_times(reply, options));
    return reply;
}

std::vector<std::byte> compose(Ask const& ask)
{
    Writer out;
    out.number(kRequestOp, 1);
    out.number(kEthernet, 1);
    out.number(kMacBytes, 1);
    out.number(0, 1);
    out.number(ask.transaction, 4);
    out.number(static_cast<std::uint64_t>(std::clamp<std::int64_t>(ask.since.count(), 0, 0xffff)), 2);
    out.number(ask.current == 0 ? kBroadcastFlag : 0, 2);
    out.number(ask.current, 4);
    out.zeros_to(kHardwareAt);
    for (auto const each : ask.mac) out.number(each, 1);
    out.zeros_to(kCookieAt);
    out.number(kCookie, 4);
    out.option(kType, static_cast<std::uint64_t>(ask.type), 1);
    if (ask.wanted != 0) out.option(kWantedAddress, ask.wanted, 4);
    if (ask.server != 0) out.option(kServer, ask.server, 4);
    out.option(kSizeMax, kMessageBytesMax - 28, 2);  // less the headers of IP and UDP
    out.number(kParameters, 1);
    out.number(5, 1);
    for (auto const each : {kMask, kRouter, kLeaseTime, kRenewTime, kRebindTime}) out.number(each, 1);
    out.number(kEnd, 1);
    out.zeros_to(kSentBytesMin);
    return out.take();
}

}  // namespace ocu::network
