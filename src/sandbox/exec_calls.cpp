// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/exec_calls.h"

#include <algorithm>

#include "sandbox/exec_limits.h"
#include "sandbox/exec_text.h"
#include "sandbox/exec_wording.h"

namespace ocu::sandbox {

namespace {

using proto::FileOutcome;
using proto::Reason;

std::chrono::milliseconds elapsed(Monotonic from, Monotonic to) { return std::chrono::duration_cast<std::chrono::milliseconds>(to - from); }

std::string_view mime_of(FileOutcome outcome)
{
    switch (outcome) {
    case FileOutcome::png: return "image/png";
    case FileOutcome::jpeg: return "image/jpeg";
    case FileOutcome::gif: return "image/gif";
    case FileOutcome::webp: return "image/webp";
    default: return {};
    }
}

}  // namespace

ExecCalls::ExecCalls(Clock const& clock, proto::ExecConfig config, Peers peers)
    : clock_(clock), config_(std::move(config)), peers_(std::move(peers))
{
    tell_guest(proto::GuestWelcome{config_.token, config_.variables});
}

void ExecCalls::call(proto::ExecCall asked)
{
    idle_told_ = false;
    if (state_ == State::lost) return refuse(asked.call, Reason::session_ended);
    if (state_ == State::welcomed) return refuse(asked.call, Reason::role_unavailable);
    if (running_.contains(asked.call)) return;  // it will be answered once
    if (running_.size() >= kCallsMax) return refuse(asked.call, Reason::too_many_calls);
    if (proto::is_process_tool(asked.arguments.tool)) return process_call(std::move(asked));
    Call call;
    call.tool = asked.arguments.tool;
    call.timeout = call.tool == proto::Tool::bash ? asked.arguments.timeout : config_.answer_max;
    call.progress_wanted = asked.progress_wanted;
    call.started = clock_.now();
    call.ends_by = call.started + call.timeout;
    call.progress_at = call.started + kProgressFirst;
    if (call.tool == proto::Tool::bash) {
        call.command = asked.arguments.command.str();
        tell_guest(proto::GuestRun{asked.call, config_.stream_bytes_max, std::move(asked.arguments.command)});
    } else {
        tell_guest(proto::GuestFile{asked.call, std::move(asked.arguments)});
    }
    // The guest may have been lost by what was just said to it.
    if (state_ == State::lost) return refuse(asked.call, Reason::session_ended);
    running_.emplace(asked.call, std::move(call));
}

void ExecCalls::cancel(CallId id)
{
    auto const found = running_.find(id);
    if (found == running_.end() || found->second.ending != Ending::no) return;
    Call& call = found->second;
    // What a cancelled call has started is not wanted either.
    if (auto* const process = processes_.find(call.process); process != nullptr && call.tool == proto::Tool::process_start)
        end_process(call.process, *process);
    kill(id, call, Ending::cancelled);
}

void ExecCalls::kill(CallId id, Call& call, Ending why)
{
    call.ending = why;
    call.dead_by = clock_.now() + kKillAnswerMax;
    tell_guest(proto::GuestSignal{id});
}

bool ExecCalls::guest_says(GuestSays message)
{
    if (state_ == State::lost) return true;
    return std::visit(
        [this](auto& each) {
            using Message = std::remove_cvref_t<decltype(each)>;
            if constexpr (std::is_same_v<Message, proto::GuestReady>)
                return ready(each);
            else if constexpr (std::is_same_v<Message, proto::GuestOutput>)
                return output(each);
            else if constexpr (std::is_same_v<Message, proto::GuestExited>)
                return exited(each);
            else if constexpr (std::is_same_v<Message, proto::GuestFileDone>)
                return file_done(each);
            else if constexpr (std::is_same_v<Message, proto::GuestProcessDone>)
                return process_done(each);
            else if constexpr (std::is_same_v<Message, proto::GuestProcessEnded>)
                return process_ended(each);
            else if constexpr (std::is_same_v<Message, proto::GuestIdle>)
                return idle();
            else
                return failed(each);
        },
        message);
}

bool ExecCalls::ready(proto::GuestReady const& message)
{
    if (state_ != State::welcomed || message.token != config_.token) return false;
    state_ = State::serving;
    tell_sandbox(proto::ExecReady{});
    return true;
}

// It may have been said before the guest heard of a call that is on its way; and again and again, by one that has nothing better to do.
bool ExecCalls::idle()
{
    if (state_ != State::serving) return false;
    if (running_.empty() && !std::exchange(idle_told_, true)) tell_sandbox(proto::ExecIdle{});
    return true;
}

bool ExecCalls::output(proto::GuestOutput const& message)
{
    auto const found = running_.find(message.call);
    if (found == running_.end()) return false;
    Call& call = found->second;
    // An honest agent stops by itself; one that does not is trying our memory and our time (T-06, T-07).
    std::uint64_t bytes_max = config_.stream_bytes_max + kStreamSlackBytes;
    if (proto::is_file_tool(call.tool)) bytes_max = proto::kAnswerBytesMax;
    if (proto::is_process_tool(call.tool)) bytes_max = proto::kProcessAnswerBytesMax;
    std::uint64_t& counted = message.tail ? call.tail_bytes : call.received_bytes;
    counted += message.bytes.size();
    if (counted > (message.tail ? proto::kGuestTailBytesMax : bytes_max)) return false;
    if (!message.tail && call.tail_bytes > 0) return false;
    if (call.tool != proto::Tool::bash) {
        // A file answer over its bound: too large to be shown whole, judged when it is done. A program's output has a ring and no tail.
        if (message.tail) return proto::is_file_tool(call.tool);
        call.content.append(message.bytes.view());
        return true;
    }
    if (message.tail && call.tail_bytes == message.bytes.size()) call.output.gap();
    call.output.append(message.bytes.view());
    return true;
}

bool ExecCalls::exited(proto::GuestExited const& message)
{
    auto const found = running_.find(message.call);
    if (found == running_.end() || found->second.tool != proto::Tool::bash) return false;
    Call& call = found->second;
    bool const timed_out = call.ending == Ending::timed_out;
    proto::ToolAnswer answer;
    answer.has_exit = true;
    answer.exit_status = message.status;
    answer.timed_out = timed_out;
    answer.output_bytes = std::max(message.output_bytes, call.received_bytes);
    if (call.ending == Ending::cancelled) {
        answer.reason = Reason::cancelled;
    } else {
        answer.body = answer_text(
            call.output.text(answer.output_bytes), call.command, message.status, timed_out ? call.timeout : std::chrono::milliseconds(0));
    }
    done(found, std::move(answer));
    return true;
}

bool ExecCalls::file_done(proto::GuestFileDone& message)
{
    auto const found = running_.find(message.call);
    if (found == running_.end() || !proto::is_file_tool(found->second.tool)) return false;
    Call& call = found->second;
    proto::ToolAnswer answer;
    answer.output_bytes = call.content.size();
    bool const is_text = message.outcome == FileOutcome::text || message.outcome == FileOutcome::refused;
    // Only view has anything but text to answer.
    if (!is_text && message.outcome != FileOutcome::died && call.tool != proto::Tool::view) return false;
    if (call.ending == Ending::cancelled) {
        answer.reason = Reason::cancelled;
    } else if (call.ending != Ending::no) {
        answer.is_error = true;
        answer.timed_out = true;
        answer.body = "[The file operation took too long and was ended]";
    } else if (message.outcome == FileOutcome::died || call.tail_bytes > 0) {
        answer.is_error = true;
        answer.body = "[The file operation was ended by the sandbox: a limit of memory or processes, most likely]";
    } else if (is_text) {
        answer.is_error = message.outcome == FileOutcome::refused;
        answer.body = std::string(first_characters(call.content, proto::kAnswerTextCharsMax));
    } else {
        answer.content = message.outcome == FileOutcome::archive ? proto::Content::archive : proto::Content::image;
        answer.mime = mime_of(message.outcome);
        answer.body = std::move(call.content);
    }
    done(found, std::move(answer));
    return true;
}

bool ExecCalls::failed(proto::GuestFailed const& message)
{
    auto const found = running_.find(message.call);
    if (found == running_.end()) return false;
    proto::ToolAnswer answer;
    if (found->second.ending == Ending::cancelled) {
        answer.reason = Reason::cancelled;
    } else if (proto::is_process_tool(found->second.tool)) {
        answer.reason = Reason::unknown_process;  // it has been displaced while this call waited for its output
    } else {
        answer.is_error = true;
        answer.body = "[The sandbox could not start a process: its limit of processes or memory is reached]";
    }
    done(found, std::move(answer));
    return true;
}

void ExecCalls::done(Running::iterator call, proto::ToolAnswer answer)
{
    answer.duration = elapsed(call->second.started, clock_.now());
    CallId const id = call->first;
    running_.erase(call);
    tell_sandbox(proto::ExecDone{id, std::move(answer)});
}

void ExecCalls::refuse(CallId id, proto::Reason reason)
{
    proto::ToolAnswer answer;
    answer.reason = reason;
    tell_sandbox(proto::ExecDone{id, std::move(answer)});
}

void ExecCalls::lose_guest(GuestLost why)
{
    if (state_ == State::lost) return;
    state_ = State::lost;
    while (!running_.empty()) {
        auto const call = running_.begin();
        proto::ToolAnswer answer;
        answer.reason = why == GuestLost::went_away ? Reason::session_ended : Reason::session_failed;
        if (call->second.ending == Ending::cancelled) answer.reason = Reason::cancelled;
        answer.timed_out = call->second.ending == Ending::timed_out;
        answer.output_bytes = call->second.received_bytes;
        done(call, std::move(answer));
    }
    tell_sandbox(proto::ExecGuestGone{});
}

void ExecCalls::report_progress(CallId id, Call& call)
{
    call.progress_at = clock_.now() + kProgressEvery;
    tell_sandbox(proto::ExecProgress{id, elapsed(call.started, clock_.now()), call.timeout, call.output.last_line()});
}

void ExecCalls::advance()
{
    auto const now = clock_.now();
    for (auto& [id, call] : running_) {
        if (call.ending != Ending::no) {
            if (now >= call.dead_by) return lose_guest(GuestLost::did_not_answer);
            continue;
        }
        if (now >= call.ends_by) {
            kill(id, call, call.tool == proto::Tool::bash ? Ending::timed_out : Ending::answer_late);
            continue;
        }
        if (call.progress_wanted && now >= call.progress_at) report_progress(id, call);
    }
    if (!advance_processes()) lose_guest(GuestLost::did_not_answer);
}

std::optional<Monotonic> ExecCalls::next_moment() const
{
    std::optional<Monotonic> next = state_ == State::lost ? std::nullopt : processes_.next_moment();
    for (auto const& [id, call] : running_) {
        auto moment = call.ending != Ending::no ? call.dead_by : call.ends_by;
        if (call.ending == Ending::no && call.progress_wanted) moment = std::min(moment, call.progress_at);
        next = next ? std::min(*next, moment) : moment;
    }
    return next;
}

}  // namespace ocu::sandbox
