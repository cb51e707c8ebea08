// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/desk.h"

#include "base/crypto/crypto.h"
#include "gateway/limits.h"

namespace ocu::gateway {

using proto::Reason;
using proto::What;

namespace {

// What a call would run or write: the whole of it is on record by its digest, however long it is.
std::string_view content_of(proto::ToolArguments const& arguments)
{
    switch (arguments.tool) {
    case proto::Tool::bash:
    case proto::Tool::process_start: return arguments.command.view();
    case proto::Tool::create_file:
    case proto::Tool::process_write: return arguments.text.view();
    case proto::Tool::str_replace: return arguments.replacement.view();
    default: return {};
    }
}

std::string shown_of(proto::ToolArguments const& arguments)
{
    if (arguments.tool == proto::Tool::bash || arguments.tool == proto::Tool::process_start) return arguments.command.str();
    if (arguments.tool == proto::Tool::process_list) return {};
    if (!proto::is_process_tool(arguments.tool)) return arguments.path.str();
    std::string shown = "process " + std::to_string(arguments.process.process);
    for (auto const& each : proto::kProcessSignals)
        if (each.number == arguments.process.signal) shown.append(" ").append(each.name);
    return shown;
}

bool has_content(proto::Tool tool)
{
    return tool != proto::Tool::view && tool != proto::Tool::process_read && tool != proto::Tool::process_signal && tool != proto::Tool::process_list;
}

// What of a call is worth a line in the record: the command, the path or the process, cut, and as its last word the digest (SX-9). What is typed
// into a program may be a password: only its digest is on record. Caller's bytes; the writer encodes them. A command that ends like a digest does not hide its own, which comes after.
std::string detail_of(proto::ToolArguments const& arguments)
{
    auto const shown = shown_of(arguments);
    if (!has_content(arguments.tool)) return shown.substr(0, kDetailBytesMax);
    auto const digest = " sha256=" + crypto::to_hex(crypto::sha256(content_of(arguments)));
    return shown.substr(0, kDetailBytesMax - digest.size()) + digest;
}

std::int64_t milliseconds_since(Monotonic from, Monotonic now)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - from).count();
}

proto::ToolAnswer refusal(Reason reason)
{
    proto::ToolAnswer answer;
    answer.reason = reason;
    answer.is_error = true;
    return answer;
}

}  // namespace

Desk::Desk(Clock const& clock, Wires wires) : clock_(clock), wires_(std::move(wires)) {}
Desk::~Desk() { *alive_ = false; }

proto::Event Desk::event_of(Call const& call, What what) const
{
    proto::Event event;
    event.what = what;
    event.session = call.session;
    event.trace = wire::Text<64>::cut(call.trace);
    event.actor = wire::Text<128>::cut(call.caller_name);
    event.resource = wire::Text<512>::cut(proto::name_of(call.tool));
    event.detail = wire::Text<1024>::cut(call.detail);
    return event;
}

void Desk::open(Call call)
{
    call.began = clock_.now();
    call.tool = call.arguments.tool;
    call.detail = detail_of(call.arguments);
    Call const& added = table_.add(std::move(call));
    advance(added.caller, added.chat);
}

// In order: the next one of a lane starts when the one before has been answered (GW-6). Control is asked each time, so that a caller
// or chat that was denied meanwhile gets nothing more (invariant 5).
void Desk::advance(CallerId caller, std::string const& chat)
{
    Call* const call = table_.next(caller, chat);
    if (call == nullptr) return;
    call->phase = Phase::asking;
    wires_.control.send(proto::SessionWanted{RequestId{call->id.value}, call->caller, wire::Text<64>::cut(call->caller_name),
        wire::Text<proto::kChatIdBytesMax>(call->chat), wire::Text<64>::cut(call->trace)});
}

void Desk::on_granted(proto::SessionGranted const& granted)
{
    Call* const call = table_.find(CallId{granted.request.value});
    if (call == nullptr || call->phase != Phase::asking) return;  // cancelled or failed meanwhile
    call->session = granted.session;
    record_begin(*call);
}

void Desk::on_refused(proto::SessionRefused const& refused)
{
    Call* const call = table_.find(CallId{refused.request.value});
    if (call != nullptr && call->phase == Phase::asking) refuse(*call, refused.reason);
}

void Desk::record_begin(Call& call)
{
    call.phase = Phase::recording;
    proto::Event event = event_of(call, What::tool_call_begin);
    event.number = call.ignored_arguments;
    wires_.recorder.record(std::move(event), [this, alive = std::weak_ptr(alive_), id = call.id](Result<EventNumber> written) {
        if (auto const held = alive.lock(); held && *held) on_begun(id, written);
    });
}

void Desk::on_begun(CallId id, Result<EventNumber> const& written)
{
    Call* const call = table_.find(id);
    if (call == nullptr || call->phase != Phase::recording) return;
    // Invariant 7: what is not on record is not done.
    if (!written) {
        call->answer = refusal(Reason::audit_unavailable);
        return leave(id);
    }
    if (call->cancelled) {
        call->answer = refusal(Reason::cancelled);
        return end(*call);
    }
    call->phase = Phase::running;
    wires_.sandbox.send(proto::CallTool{call->id, call->session, std::exchange(call->arguments, {})});
    if (lets_others_pass(*call)) advance(call->caller, call->chat);
}

void Desk::on_progress(proto::ToolProgress const& progress)
{
    Call const* const call = table_.find(progress.call);
    if (call == nullptr || call->phase != Phase::running || !call->wants_progress || !call->front) return;
    wires_.progress(proto::FrontProgress{call->front, progress.elapsed, progress.total, progress.last_line});
}

void Desk::on_tool_done(proto::ToolDone done)
{
    Call* const call = table_.find(done.call);
    if (call == nullptr || call->phase != Phase::running) return;
    call->answer = std::move(done.answer);
    bool const foreign = call->answer.content != proto::Content::text;
    if (!foreign || call->answer.reason != Reason::none) return end(*call);
    // An image or archive is bytes that a stranger made: nobody but the parser opens it (T-16).
    call->phase = Phase::inspecting;
    wires_.storage.send(proto::InspectBody{call->id, call->answer.content, std::exchange(call->answer.body, {})});
}

void Desk::on_inspected(proto::BodyInspected inspected)
{
    Call* const call = table_.find(inspected.call);
    if (call == nullptr || call->phase != Phase::inspecting) return;
    auto& answer = call->answer;
    if (inspected.good && inspected.content != proto::Content::archive) {
        answer.content = inspected.content;
        answer.mime = std::move(inspected.mime);
        answer.body = std::move(inspected.body);
    } else {
        answer.content = proto::Content::text;
        answer.is_error = true;
        answer.body = "The file could not be opened safely, so it is not shown.";
    }
    end(*call);
}

void Desk::end(Call& call)
{
    call.phase = Phase::ending;
    auto const& answer = call.answer;
    proto::Event event = event_of(call, What::tool_call_end);
    event.outcome = answer.reason == Reason::none && !answer.is_error ? proto::Outcome::success : proto::Outcome::failure;
    event.reason = answer.reason;
    event.number = answer.process > 0 ? static_cast<std::int64_t>(answer.process) : answer.exit_status;
    event.bytes = answer.output_bytes;
    event.duration_ms = milliseconds_since(call.began, clock_.now());
    wires_.recorder.record(std::move(event), [this, alive = std::weak_ptr(alive_), id = call.id](Result<EventNumber> written) {
        auto const held = alive.lock();
        Call* const ended = held && *held ? table_.find(id) : nullptr;
        if (ended == nullptr) return;
        if (!written) ended->answer = refusal(Reason::audit_unavailable);  // the answer is not given before its record is kept
        leave(id);
    });
}

// A call that was never begun: its refusal is on record before its caller hears it. Where even that fails, saying no is still safe.
void Desk::refuse(Call& call, Reason reason)
{
    call.phase = Phase::ending;
    call.answer = refusal(reason);
    proto::Event event = event_of(call, What::tool_call_refused);
    event.outcome = proto::Outcome::failure;
    event.reason = reason;
    wires_.recorder.record(std::move(event), [this, alive = std::weak_ptr(alive_), id = call.id](Result<EventNumber>) {
        if (auto const held = alive.lock(); held && *held) leave(id);
    });
}

void Desk::leave(CallId id)
{
    Call* const call = table_.find(id);
    if (call == nullptr) return;
    CallerId const caller = call->caller;
    std::string const chat = call->chat;
    proto::FrontDone done{call->front, wire::Text<proto::kTraceBytesMax>::cut(call->trace), std::move(call->answer)};
    table_.remove(id);
    if (done.request) wires_.answer(std::move(done));
    advance(caller, chat);
    if (table_.size() == 0) wires_.idle();
}

void Desk::cancel(Call& call)
{
    switch (call.phase) {
    case Phase::waiting:
    case Phase::asking: return refuse(call, Reason::cancelled);
    case Phase::recording: call.cancelled = true; return;
    case Phase::running: return wires_.sandbox.send(proto::CancelTool{call.id, call.session});
    case Phase::inspecting:
    case Phase::ending: return;  // it has run; its answer is on the way
    }
}

void Desk::fail(CallId id, Reason reason)
{
    Call* const call = table_.find(id);
    if (call == nullptr || call->phase == Phase::ending) return;
    if (call->phase == Phase::waiting || call->phase == Phase::asking) return refuse(*call, reason);
    call->answer = refusal(reason);
    end(*call);
}

void Desk::fail_all(Reason reason)
{
    for (CallId const id : table_.all()) fail(id, reason);
}

void Desk::drop_all()
{
    table_.forget_fronts();
    for (CallId const id : table_.all()) {
        Call* const call = table_.find(id);
        if (call != nullptr) cancel(*call);
    }
}

void Desk::on_gone(proto::SessionGone const& gone)
{
    for (CallId const id : table_.of_session(gone.session)) fail(id, gone.reason == Reason::none ? Reason::session_ended : gone.reason);
}

}  // namespace ocu::gateway
