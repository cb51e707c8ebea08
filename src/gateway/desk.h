// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Carries each tool call through its phases (call_table.h): asks for the sandbox, writes "about to", has it run, writes "done", and only
// then lets the answer go. Whatever goes wrong on the way becomes the call's reason. Threading: the gateway's loop.

#include <functional>
#include <memory>

#include "base/clock.h"
#include "gateway/call_table.h"
#include "gateway/gateway.h"
#include "proto/gateway_front_to_gateway.h"

namespace ocu::gateway {

class Desk {
public:
    struct Wires {
        proto::GatewayToControl& control;
        proto::GatewayToSandbox& sandbox;
        proto::GatewayToStorage& storage;
        proto::Recorder& recorder;
        std::function<void(proto::FrontDone)> answer;
        std::function<void(proto::FrontProgress)> progress;
        std::function<void()> idle;  // the last call has gone
    };

    Desk(Clock const& clock, Wires wires);
    ~Desk();

    CallTable& calls() { return table_; }
    void open(Call call);
    void cancel(Call& call);
    // Fails it here and now, whatever its phase; what comes back for it later is ignored.
    void fail(CallId id, proto::Reason reason);
    void fail_all(proto::Reason reason);
    // The front has gone and with it every caller that waits: running calls are ended, nobody is answered.
    void drop_all();

    void on_granted(proto::SessionGranted const& granted);
    void on_refused(proto::SessionRefused const& refused);
    void on_gone(proto::SessionGone const& gone);
    void on_progress(proto::ToolProgress const& progress);
    void on_tool_done(proto::ToolDone done);
    void on_inspected(proto::BodyInspected inspected);

private:
    void advance(CallerId caller, std::string const& chat);
    void record_begin(Call& call);
    void on_begun(CallId id, Result<EventNumber> const& written);
    void end(Call& call);
    void refuse(Call& call, proto::Reason reason);
    void leave(CallId id);
    proto::Event event_of(Call const& call, proto::What what) const;

    Clock const& clock_;
    Wires wires_;
    CallTable table_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this and the records being written
};

}  // namespace ocu::gateway
