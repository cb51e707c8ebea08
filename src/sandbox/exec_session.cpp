// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_session.h"

#include <algorithm>

#include "base/log.h"

namespace ocu::sandbox {

ExecSession::ExecSession(wire::Loop& loop, Clock const& clock, proto::ExecConfig config, Ends ends, std::function<void()> over)
    : loop_(loop), clock_(clock), over_(std::move(over))
{
    sandbox_ = std::make_unique<wire::Link>(
        loop_, std::move(ends.sandbox), wire::Link::Options{.permits = proto::kSandboxMaySendExec},
        [this](wire::Link::Frame frame) { sandbox_says(frame); }, [this](wire::Lost) { over_(); });
    guest_ = std::make_unique<wire::Link>(
        loop_, std::move(ends.guest), wire::Link::Options{.permits = proto::kGuestMaySend},
        [this](wire::Link::Frame frame) { guest_says(frame); },
        // Not from within what is being said to it: the calls are walked through there.
        [this](wire::Lost why) { loop_.post([this, why] { guest_lost(why == wire::Lost::closed ? GuestLost::went_away : GuestLost::broke_grammar); }); });
    calls_ = std::make_unique<ExecCalls>(clock_, std::move(config),
        ExecCalls::Peers{.guest =
                             [this](std::uint16_t type, wire::Bytes body) {
                                 if (guest_) guest_->send_frame(type, std::move(body));
                             },
            .sandbox = [this](std::uint16_t type, wire::Bytes body) {
                // What a call ran is told before its answer, unless that was too soon after the last time.
                if (monitor_ && type == static_cast<std::uint16_t>(proto::Type::exec_done)) monitor_->catch_up();
                sandbox_->send_frame(type, std::move(body));
            }});
    if (ends.monitor)
        monitor_ = std::make_unique<Monitor>(loop_, clock_, std::move(ends.monitor), [this](proto::ExecProgramsRun const& told) { sandbox_->send(told); });
}

void ExecSession::sandbox_says(wire::Link::Frame const& frame)
{
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::exec_call: {
        auto call = wire::decode<proto::ExecCall>(frame.body);
        if (!call) return sandbox_->violation();
        calls_->call(*std::move(call));
        break;
    }
    case proto::Type::exec_cancel: {
        auto const cancel = wire::decode<proto::ExecCancel>(frame.body);
        if (!cancel) return sandbox_->violation();
        calls_->cancel(cancel->call);
        break;
    }
    default: return sandbox_->violation();
    }
    wait_for_next_moment();
}

void ExecSession::guest_says(wire::Link::Frame const& frame)
{
    auto message = parse_guest_frame(frame.type, frame.body);
    if (!message || !calls_->guest_says(*std::move(message))) return guest_->violation();
    wait_for_next_moment();
}

void ExecSession::guest_lost(GuestLost why)
{
    if (!calls_) return;
    if (monitor_) monitor_->tell_all();
    if (why == GuestLost::broke_grammar && !calls_->guest_is_lost()) log::warning("a guest's agent broke its grammar");
    calls_->lose_guest(why);
    wait_for_next_moment();
}

void ExecSession::wait_for_next_moment()
{
    // The end of the channel ends the guest. Not from within a call of the link's own: from the loop, when nobody uses it.
    if (calls_->guest_is_lost() && guest_) loop_.post([this] { guest_.reset(); });
    auto const next = calls_->next_moment();
    if (next == timer_moment_) return;
    timer_moment_ = next;
    timer_.reset();
    if (!next) return;
    auto const wait = std::chrono::ceil<std::chrono::milliseconds>(*next - clock_.now());
    timer_ = loop_.after(std::max(wait, std::chrono::milliseconds(0)), [this] {
        timer_moment_.reset();
        calls_->advance();
        wait_for_next_moment();
    });
}

}  // namespace ocu::sandbox
