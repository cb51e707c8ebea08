// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Operators' questions about a session's files (proto/ask_files.h) on their way to that session's broker and back. Who waits gives up by itself: an
// answer that never comes is control's to notice. Threading: the storage loop.

#include <functional>
#include <unordered_map>

#include "proto/broker_to_storage.h"
#include "wire/link.h"

namespace ocu::storage {

class OperatorFiles {
public:
    explicit OperatorFiles(std::function<void(proto::FilesTold)> answer) : answer_(std::move(answer)) {}

    // `broker`: the session's, or nullptr where there is none that serves.
    void ask(wire::Link* broker, proto::FilesAskWanted const& wanted)
    {
        if (broker == nullptr || waiting_.size() >= kWaitingMax) return refuse(wanted.request);
        waiting_.insert_or_assign(wanted.request, wanted.session);
        broker->send(proto::BrokerAskFiles{wanted.request, wanted.question, wanted.actor});
    }
    // False: nobody had asked that of this session's broker, or it broke the grammar: it is no longer ours (T-14).
    bool told(SessionId session, std::span<std::byte const> body)
    {
        auto answer = wire::decode<proto::BrokerFiles>(body);
        if (!answer) return false;
        auto const found = waiting_.find(answer->told.request);
        if (found == waiting_.end() || found->second != session) return false;
        waiting_.erase(found);
        answer_(std::move(answer->told));
        return true;
    }
    void session_gone(SessionId session)
    {
        std::vector<RequestId> lost;
        for (auto const& [request, of] : waiting_)
            if (of == session) lost.push_back(request);
        for (auto const request : lost) {
            waiting_.erase(request);
            refuse(request);
        }
    }

private:
    static constexpr std::size_t kWaitingMax = 256;

    void refuse(RequestId request)
    {
        proto::FilesTold told;
        told.request = request;
        told.reason = proto::Reason::role_unavailable;
        answer_(std::move(told));
    }

    std::function<void(proto::FilesTold)> answer_;
    std::unordered_map<RequestId, SessionId> waiting_;
};

}  // namespace ocu::storage
