// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Questions of callers about a session's files (MCP resources), on their way to that session's broker and back. Each is answered once, in
// bounded time: by the broker, or with `failed` when it is late or gone, or with `no_such` when there is no such session.

#include <functional>
#include <unordered_map>

#include "proto/broker_to_storage.h"
#include "proto/gateway_to_storage.h"
#include "wire/loop.h"

namespace ocu::storage {

class ResourceCalls {
public:
    ResourceCalls(wire::Loop& loop, std::function<void(proto::ResourceTold)> answer);

    // `broker`: the session's, or nullptr where there is none that serves.
    void ask(wire::Link* broker, proto::ResourceWanted const& wanted);
    // False: nobody had asked that of this session's broker, or it broke the grammar: it is no longer ours (T-14).
    bool told(SessionId session, std::span<std::byte const> body);
    void session_gone(SessionId session);

private:
    struct Waiting {
        proto::ResourceWanted wanted;
        wire::Watch deadline;
    };

    void fail(RequestId request);
    void answer(CallId call, proto::ResourceOutcome outcome);

    wire::Loop& loop_;
    std::function<void(proto::ResourceTold)> answer_;
    std::unordered_map<RequestId, Waiting> waiting_;
    std::uint64_t last_request_ = 0;
};

}  // namespace ocu::storage
