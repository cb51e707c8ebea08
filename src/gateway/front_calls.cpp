// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/front_calls.h"

namespace ocu::gateway {

PendingCall::PendingCall(wire::Loop& loop, CallAsked call, std::shared_ptr<wire::HttpReply> reply)
    : loop_(loop), call_(std::move(call)), reply_(std::move(reply))
{
    if (!call_.accepts.stream) return;
    watch_ = loop_.after(kStreamAfter, [this] { begin_stream(); });
}

void PendingCall::begin_stream()
{
    if (streaming_ || !call_.accepts.stream) return;
    streaming_ = true;
    reply_->begin_stream(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}});
    beat();
}

// A comment now and then, so that neither a proxy nor a client takes a quiet call for a dead one.
void PendingCall::beat()
{
    reply_->write(std::string(kBeat));
    watch_ = loop_.after(kStreamBeat, [this] { beat(); });
}

void PendingCall::progress(proto::FrontProgress const& progress)
{
    if (!wants_progress() || !call_.accepts.stream || progress.elapsed <= reported_) return;  // must rise
    begin_stream();
    reported_ = progress.elapsed;
    reply_->write(event_of(progress_message(call_, progress)));
}

void PendingCall::done(proto::FrontDone const& done)
{
    watch_.reset();
    Answered const answered = answer_of(call_, done);
    bool const only_stream = !call_.accepts.json;
    // A caller that asked for progress gets a stream even when there was nothing to report; a refusal with a status needs none.
    if (answered.status == 200 && (wants_progress() || only_stream)) begin_stream();
    watch_.reset();
    if (streaming_) {
        reply_->write(event_of(answered.body));
        reply_->end();
        return;
    }
    reply_->send({answered.status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, answered.body});
}

void PendingCall::refuse(wire::HttpResponse response)
{
    watch_.reset();
    if (streaming_) return reply_->end();
    reply_->send(std::move(response));
}

}  // namespace ocu::gateway
