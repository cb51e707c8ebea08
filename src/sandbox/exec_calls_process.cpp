// SPDX-License-Identifier: GPL-3.0-or-later
// The process tools' part of exec_calls.h: programs that live on between calls (SX-3).

#include "sandbox/exec_calls.h"
#include "sandbox/exec_limits.h"

namespace ocu::sandbox {

namespace {

using proto::ProcessOutcome;
using proto::Reason;
using proto::Tool;

proto::ProcessDeed deed_of(Tool tool)
{
    switch (tool) {
    case Tool::process_start: return proto::ProcessDeed::start;
    case Tool::process_write: return proto::ProcessDeed::write;
    case Tool::process_signal: return proto::ProcessDeed::signal;
    default: return proto::ProcessDeed::read;
    }
}

// Whether an agent may say this of such a call, having sent so many bytes.
bool is_plausible(proto::GuestProcessDone const& message, Tool tool, std::uint64_t received_bytes)
{
    if (message.first > message.next || message.next > message.end || message.next - message.first != received_bytes) return false;
    switch (message.outcome) {
    case ProcessOutcome::done: return true;
    case ProcessOutcome::not_started: return tool == Tool::process_start && received_bytes == 0;
    case ProcessOutcome::input_full: return tool == Tool::process_write && received_bytes == 0;
    }
    return false;
}

}  // namespace

void ExecCalls::process_call(proto::ExecCall asked)
{
    auto& arguments = asked.arguments;
    auto const& wanted = arguments.process;
    auto const now = clock_.now();
    if (arguments.tool == Tool::process_list) {
        proto::ToolAnswer answer;
        answer.body = processes_.list(now);
        return tell_sandbox(proto::ExecDone{asked.call, std::move(answer)});
    }
    std::uint32_t number = wanted.process;
    if (arguments.tool == Tool::process_start) {
        auto const added = processes_.add(arguments.command.view(), arguments.timeout, now);
        if (!added) return refuse(asked.call, added.error());
        if (added->displaced) tell_guest(proto::GuestProcessOrder{*added->displaced, proto::ProcessOrder::forget});
        number = added->number;
    }
    ExecProcess const* const process = processes_.find(number);
    if (process == nullptr) return refuse(asked.call, Reason::unknown_process);
    auto const deed = deed_of(arguments.tool);
    bool const acts = deed == proto::ProcessDeed::write || deed == proto::ProcessDeed::signal;
    if (acts && process->ended) return refuse(asked.call, Reason::process_ended);

    Call call;
    call.tool = arguments.tool;
    call.process = number;
    call.from = wanted.has_from ? wanted.from : process->next;
    call.in_order = !wanted.has_from;
    call.raw = wanted.raw;
    call.timeout = wanted.wait;
    call.progress_wanted = asked.progress_wanted;
    call.started = now;
    call.ends_by = now + wanted.wait + kProcessAnswerMax;
    call.progress_at = now + kProgressFirst;
    auto& text = deed == proto::ProcessDeed::start ? arguments.command : arguments.text;
    tell_guest(proto::GuestProcess{asked.call, number, deed, wanted.rows, wanted.columns, wanted.signal, wanted.cpu_max, wanted.wait, call.from,
        std::move(text)});
    if (state_ == State::lost) return refuse(asked.call, Reason::session_ended);
    running_.emplace(asked.call, std::move(call));
}

bool ExecCalls::process_done(proto::GuestProcessDone const& message)
{
    auto const found = running_.find(message.call);
    if (found == running_.end() || !proto::is_process_tool(found->second.tool)) return false;
    Call& call = found->second;
    if (!is_plausible(message, call.tool, call.received_bytes)) return false;
    proto::ToolAnswer answer;
    if (call.ending == Ending::cancelled) {
        answer.reason = Reason::cancelled;
    } else {
        answer = process_piece(call, message);
    }
    if (message.outcome == ProcessOutcome::not_started) processes_.remove(call.process);
    answer.output_bytes = call.received_bytes;
    done(found, std::move(answer));
    return true;
}

proto::ToolAnswer ExecCalls::process_piece(Call& call, proto::GuestProcessDone const& message)
{
    proto::ToolAnswer answer;
    ExecProcess* const process = processes_.find(call.process);
    if (process == nullptr) {
        answer.reason = Reason::unknown_process;
    } else if (message.outcome == ProcessOutcome::input_full) {
        answer.reason = Reason::process_input_full;
    } else if (message.outcome == ProcessOutcome::not_started) {
        answer.is_error = true;
        answer.body = "[The sandbox could not start a process: its limit of processes or memory is reached, or it has no terminals]";
    } else {
        // A piece that was asked for by its place is read by itself: what comes in order goes on elsewhere.
        TerminalText alone;
        bool const continues = call.in_order && message.first == call.from;
        TerminalText& text = continues ? process->text : alone;
        auto output = call.raw ? std::move(call.content) : text.take(call.content);
        if (call.in_order) process->next = std::max(process->next, message.next);
        if (call.tool == Tool::process_start) answer.process = call.process;
        answer.body = process_answer(call.process, *process, {call.from, message.first, message.next, message.end}, std::move(output));
    }
    return answer;
}

bool ExecCalls::process_ended(proto::GuestProcessEnded const& message)
{
    auto const now = clock_.now();
    if (!processes_.has_ended(message.process, message.status, message.output_bytes, now)) return false;
    ExecProcess const& process = *processes_.find(message.process);
    auto const duration = std::chrono::duration_cast<std::chrono::milliseconds>(now - process.started);
    tell_sandbox(proto::ExecProcessEnded{message.process, message.status, process.timed_out, message.output_bytes, duration});
    return true;
}

void ExecCalls::end_process(std::uint32_t number, ExecProcess& process)
{
    if (process.ended || process.dead_by) return;
    process.ends_by.reset();
    process.dead_by = clock_.now() + kKillAnswerMax;
    tell_guest(proto::GuestProcessOrder{number, proto::ProcessOrder::kill});
}

// False: the guest has not said that one has ended, and should have.
bool ExecCalls::advance_processes()
{
    auto const now = clock_.now();
    for (auto& [number, process] : processes_.all()) {
        if (process.dead_by && now >= *process.dead_by) return false;
        if (!process.ends_by || now < *process.ends_by) continue;
        process.timed_out = true;
        end_process(number, process);
    }
    return true;
}

}  // namespace ocu::sandbox
