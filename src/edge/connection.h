// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One TCP connection of a guest under deny-all: its first bytes are looked at for at most 200 ms, it is refused in the way that its
// protocol allows, told once, and ended. Threading: the loop's thread.

#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "proto/edge_helper_to_edge.h"
#include "wire/loop.h"

namespace ocu::edge {

struct Destination {
    std::string address;
    std::uint16_t port = 0;
};

// Where an accepted connection wanted to go. A guest's lane makes every address local, so it is the socket's own name.
Destination destination_of(int fd);
// Ends a connection with a reset: closing `fd` (and every duplicate) will send it.
void reset_on_close(int fd);

class Connection {
public:
    static constexpr std::chrono::milliseconds kLookTime{200};
    static constexpr std::chrono::milliseconds kDrainTime{1000};
    static constexpr std::size_t kDrainBytesMax = 1u << 20;

    // `denied` is called once; `finished` last, and may destroy this.
    Connection(
        wire::Loop& loop, UniqueFd fd, SessionId session, std::function<void(proto::EgressDenied)> denied, std::function<void()> finished);
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;

private:
    void readable();
    void drain();
    void refuse(proto::EgressProtocol protocol, std::string_view host);
    void finish();

    UniqueFd fd_;
    SessionId session_;
    Destination destination_;
    std::function<void(proto::EgressDenied)> denied_;
    std::function<void()> finished_;
    std::string bytes_;
    bool draining_ = false;
    std::size_t drained_ = 0;
    wire::Loop& loop_;
    wire::Watch deadline_;
    wire::Watch watch_;
};

}  // namespace ocu::edge
