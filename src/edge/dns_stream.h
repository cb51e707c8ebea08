// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// DNS over TCP (RFC 7766) on the lane: the same questions as by datagram, each behind two bytes that say its length. One that is longer than a
// datagram may be, a silence, or answers that nobody fetches end the connection. Threading: the loop's thread.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "edge/resolver.h"
#include "wire/loop.h"

namespace ocu::edge {

// The stream cut into messages. Pure. Never holds more than one whole message and what came with it.
class DnsFrames {
public:
    // How much may be added now.
    std::size_t room() const { return kHeldBytesMax - held_.size(); }
    // At most room() bytes.
    void add(std::span<std::uint8_t const> bytes);
    // The next whole message, without its length. Errors: over_limit (a length that is not served: nothing after it can be read).
    Result<std::optional<std::vector<std::uint8_t>>> next();

    static std::vector<std::uint8_t> framed(std::span<std::uint8_t const> message);

private:
    static constexpr std::size_t kHeldBytesMax = 2 + kDnsDatagramBytesMax;
    std::vector<std::uint8_t> held_;
};

class DnsStream {
public:
    struct Calls {
        // False: enough of this one.
        std::function<bool(std::span<std::uint8_t const> message)> question;
        // Once, the last word; it may destroy the stream only later.
        std::function<void()> over;
    };

    // `fd`: connected, non-blocking.
    DnsStream(wire::Loop& loop, UniqueFd fd, Calls calls);
    DnsStream(DnsStream const&) = delete;
    DnsStream& operator=(DnsStream const&) = delete;

    void answer(std::span<std::uint8_t const> message);

private:
    void readable();
    void write_some();
    void wait();
    void end();

    wire::Loop& loop_;
    UniqueFd fd_;
    Calls calls_;
    DnsFrames frames_;
    std::vector<std::uint8_t> out_;
    wire::Watch read_watch_;
    wire::Watch write_watch_;
    wire::Watch deadline_;
};

}  // namespace ocu::edge
