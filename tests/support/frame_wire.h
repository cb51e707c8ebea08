// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Frames of a link (wire/link.h) spoken by hand over a stream socket, by a test that has no loop of its own. Blocks, but not for ever.

#include <catch2/catch_test_macros.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "proto/type.h"
#include "wire/codec.h"

namespace ocu::test {

inline constexpr int kWritableWithinMs = 10'000;
inline constexpr int kReadableWithinMs = 20'000;

template <class Message>
void send_frame(int socket, Message const& message)
{
    wire::Bytes bytes;
    wire::Encoder encode(bytes);
    auto const body = wire::encode(message);
    encode(static_cast<std::uint32_t>(body.size()), static_cast<std::uint16_t>(Message::kType), std::uint16_t{0});
    bytes.insert(bytes.end(), body.begin(), body.end());
    for (std::size_t sent = 0; sent < bytes.size();) {
        pollfd wait{socket, POLLOUT, 0};
        ::poll(&wait, 1, kWritableWithinMs);
        ssize_t const wrote = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        REQUIRE(wrote > 0);
        sent += static_cast<std::size_t>(wrote);
    }
}

struct WholeFrame {
    proto::Type type{};
    wire::Bytes body;
};

// False: closed, or nothing came.
inline bool read_whole(int socket, std::span<std::byte> out)
{
    for (std::size_t at = 0; at < out.size();) {
        pollfd wait{socket, POLLIN, 0};
        if (::poll(&wait, 1, kReadableWithinMs) != 1) return false;
        ssize_t const got = ::read(socket, out.data() + at, out.size() - at);
        if (got <= 0) return false;
        at += static_cast<std::size_t>(got);
    }
    return true;
}

inline std::optional<WholeFrame> receive_frame(int socket)
{
    std::array<std::byte, 8> head{};
    if (!read_whole(socket, head)) return std::nullopt;
    std::uint32_t size = 0;
    std::uint16_t type = 0, descriptors = 0;
    wire::Decoder decoder(head);
    decoder(size, type, descriptors);
    WholeFrame frame{static_cast<proto::Type>(type), wire::Bytes(size)};
    if (!read_whole(socket, frame.body)) return std::nullopt;
    return frame;
}

}  // namespace ocu::test
