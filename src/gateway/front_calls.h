// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How one tool call is answered over HTTP: by one JSON body when it is quick, by a stream of events when the caller asked for progress or
// the call runs long. Threading: the loop's thread.

#include <memory>

#include "gateway/limits.h"
#include "gateway/mcp_answer.h"
#include "wire/http.h"
#include "wire/loop.h"

namespace ocu::gateway {

class PendingCall {
public:
    PendingCall(wire::Loop& loop, CallAsked call, std::shared_ptr<wire::HttpReply> reply);

    void progress(proto::FrontProgress const& progress);
    void done(proto::FrontDone const& done);
    void refuse(wire::HttpResponse response);  // before a stream was begun; after it: ends the stream

private:
    void begin_stream();
    void beat();
    bool wants_progress() const { return !call_.progress_token.empty(); }

    wire::Loop& loop_;
    CallAsked call_;
    std::shared_ptr<wire::HttpReply> reply_;  // shared with nobody: the server only lends it
    bool streaming_ = false;
    std::chrono::milliseconds reported_{-1};
    wire::Watch watch_;
};

}  // namespace ocu::gateway
