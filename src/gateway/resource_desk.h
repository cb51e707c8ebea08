// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Carries each question about a session's files from the front to storage and back: which session (none is made for it), the files, the
// record, the answer. Beside the calls of the same chat, not behind them: somebody looks at results while a command runs.
// Threading: the gateway's loop.
//
//     asking    control is asked which session          reading   storage has it
//     ending    what was read is being written down; nobody is answered before (invariant 7)

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "proto/any_to_audit.h"
#include "proto/gateway_front_to_gateway.h"
#include "proto/gateway_to_control.h"
#include "proto/gateway_to_storage.h"

namespace ocu::gateway {

class ResourceDesk {
public:
    struct Wires {
        proto::GatewayToControl& control;
        proto::GatewayToStorage& storage;
        proto::Recorder& recorder;
        std::function<void(proto::FrontResource)> answer;
    };
    struct Question {
        CallId id;
        RequestId front;
        CallerId caller;
        std::string caller_name;
        std::string chat;
        std::string trace;
        proto::ResourceAsk ask;
    };

    ResourceDesk(Clock const& clock, Wires wires);
    ~ResourceDesk();

    // At most kResourcesPerCallerMax of one caller at once: each may hold megabytes (GW-8).
    bool has_room(CallerId caller) const;
    bool knows(RequestId front) const;
    void open(Question question);
    void on_granted(proto::SessionGranted const& granted);
    void on_refused(proto::SessionRefused const& refused);
    void on_told(proto::ResourceTold told);
    void on_gone(proto::SessionGone const& gone);
    void fail_all(proto::Reason reason);
    // The front has gone: nobody is answered, what was read is put on record all the same.
    void drop_all();

private:
    enum class Phase { asking, reading, ending };
    struct Open {
        Question question;
        Phase phase = Phase::asking;
        SessionId session;
        Monotonic began{};
        proto::FrontResource told;
    };

    Open* find(CallId id, Phase phase);
    void fail_where(std::function<bool(Open const&)> const& fits, proto::Reason reason);
    void end(Open& open, proto::Reason reason, proto::ResourceAnswer answer);
    void leave(CallId id, Result<EventNumber> const& written);

    Clock const& clock_;
    Wires wires_;
    std::unordered_map<CallId, Open> open_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this and the records being written
};

}  // namespace ocu::gateway
