// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/gateway.h"

#include <unordered_map>

#include "base/crypto/crypto.h"
#include "base/log.h"
#include "gateway/desk.h"
#include "gateway/limits.h"
#include "gateway/resource_desk.h"
#include "helper/callers.h"
#include "helper/rate.h"
#include "helper/trace.h"
#include "proto/gateway_front_to_gateway.h"

namespace ocu::gateway {

using helper::Callers;
using helper::Fold;
using helper::RateLimit;
using proto::Reason;
using proto::What;

namespace {

// A front that has been taken over gives a call no more time than its face would have.
void hold_to_limits(proto::ToolArguments& arguments, std::chrono::milliseconds tool_timeout_max)
{
    constexpr std::chrono::milliseconds kNone{0};
    bool const lives_on = proto::is_process_tool(arguments.tool);
    arguments.timeout = std::clamp(arguments.timeout, kNone, lives_on ? std::chrono::milliseconds(proto::kProcessTimeMax) : tool_timeout_max);
    arguments.process.wait = std::clamp(arguments.process.wait, kNone, std::chrono::milliseconds(proto::kProcessWaitMax));
    arguments.process.cpu_max = std::clamp(arguments.process.cpu_max, kNone, std::chrono::milliseconds(proto::kProcessTimeMax));
}

constexpr std::size_t kQueueBytesMax = 128u << 20;  // answers of many callers at once; the front always reads

}  // namespace

struct Gateway::State {
    State(wire::Loop& on, Clock const& with, Config from, Wires to);

    void on_core(proto::CoreToRole::Message message);
    void front_up(proto::HelperUp up);
    void front_lost(wire::Lost why);
    void front_down();
    void stop();
    void idle();
    void callers_are(proto::CallersInForce const& told);

    void on_frame(wire::Link::Frame const& frame);
    void on_authorize(proto::FrontAuthorize const& asked);
    void on_call(proto::FrontCall asked);
    void on_cancel(proto::FrontCancel const& asked);
    void on_resource(proto::FrontAskResource asked);
    Reason admit(Caller const& caller, std::string const& chat);
    void note_refused(Caller const& caller, std::string_view what, Reason reason, std::string const& trace);
    void note_denied(Caller const& caller, Action action, std::string_view path, Verdict const& verdict, std::string const& trace);
    void note_stranger(std::string const& trace);
    void on_refused(proto::FrontRefused const& told);
    void refuse(proto::FrontCall const& asked, Caller const* caller, Reason reason);
    void answer_refused(proto::FrontCall const& asked, Reason reason, std::string const& trace);

    template <class Message>
    void send(Message const& message)
    {
        if (link) link->send(message);
    }
    template <class Message, class Then>
    void with(wire::Link::Frame const& frame, Then then)
    {
        auto message = wire::decode<Message>(frame.body);
        if (!message) return link->violation();
        then(*std::move(message));
    }

    struct PerCaller {
        RateLimit rate;
        Fold refusals{kFoldTime};
    };
    PerCaller& of(Caller const& caller);

    wire::Loop& loop;
    Clock const& clock;
    Config config;
    Wires wires;
    Callers callers;
    Desk desk;
    ResourceDesk resources;
    std::unique_ptr<wire::Link> link;
    std::unordered_map<CallerId, PerCaller> per_caller;
    Fold strangers{kFoldTime};
    std::uint64_t callers_generation = 0;
    std::uint64_t last_call = 0;
    bool stopping = false;
    bool told_stopped = false;
    wire::Watch patience;
};

Gateway::State::State(wire::Loop& on, Clock const& with, Config from, Wires to)
    : loop(on), clock(with), config(std::move(from)), wires(std::move(to)), callers(std::exchange(config.callers, {})),
      desk(clock, Desk::Wires{wires.control, wires.sandbox, wires.storage, wires.recorder, [this](proto::FrontDone done) { send(done); },
                      [this](proto::FrontProgress progress) { send(progress); }, [this] { idle(); }}),
      resources(clock, ResourceDesk::Wires{wires.control, wires.storage, wires.recorder, [this](proto::FrontResource told) { send(told); }})
{
    wires.core_in.on_message([this](proto::CoreToRole::Message message) { on_core(std::move(message)); });
    wires.control_in.on_message([this](proto::ControlToGateway::Message message) {
        std::visit(wire::Overloaded{// Both number from one row: an answer is for one of them.
                       [this](proto::SessionGranted const& granted) {
                           desk.on_granted(granted);
                           resources.on_granted(granted);
                       },
                       [this](proto::SessionRefused const& refused) {
                           desk.on_refused(refused);
                           resources.on_refused(refused);
                       },
                       [this](proto::SessionGone const& gone) {
                           desk.on_gone(gone);
                           resources.on_gone(gone);
                       },
                       [this](proto::CallersInForce const& told) { callers_are(told); }},
            message);
    });
    wires.sandbox_in.on_message([this](proto::SandboxToGateway::Message message) {
        std::visit(wire::Overloaded{[this](proto::ToolProgress& progress) { desk.on_progress(progress); },
                       [this](proto::ToolDone& done) { desk.on_tool_done(std::move(done)); }},
            message);
    });
    wires.storage_in.on_message([this](proto::StorageToGateway::Message message) {
        std::visit(wire::Overloaded{[this](proto::BodyInspected& inspected) { desk.on_inspected(std::move(inspected)); },
                       [this](proto::ResourceTold& told) { resources.on_told(std::move(told)); }},
            message);
    });
}

// --- the helper ---

void Gateway::State::on_core(proto::CoreToRole::Message message)
{
    std::visit(wire::Overloaded{[this](proto::HelperUp& up) {
                                    if (up.kind == helper::Kind::gateway_front) front_up(std::move(up));
                                },
                   [this](proto::HelperDown& down) {
                       if (down.kind == helper::Kind::gateway_front) front_down();
                   },
                   [this](proto::StopRole&) { stop(); }},
        message);
}

void Gateway::State::front_up(proto::HelperUp up)
{
    front_down();
    link = std::make_unique<wire::Link>(
        loop, std::move(up.link), wire::Link::Options{proto::kGatewayFrontMaySay, kQueueBytesMax},
        [this](wire::Link::Frame frame) { on_frame(frame); }, [this](wire::Lost why) { front_lost(why); });
}

// A front that breaks the grammar, or does not read, is taken to be compromised (T-14).
void Gateway::State::front_lost(wire::Lost why)
{
    if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::gateway_front);
    front_down();
}

void Gateway::State::front_down()
{
    link.reset();
    desk.drop_all();  // their callers went with the front
    resources.drop_all();
}

void Gateway::State::stop()
{
    stopping = true;
    resources.fail_all(Reason::shutting_down);
    for (CallId const id : desk.calls().all()) {
        Call* const call = desk.calls().find(id);
        if (call == nullptr) continue;
        if (call->phase == Phase::running)
            desk.cancel(*call);
        else
            desk.fail(id, Reason::shutting_down);
    }
    if (desk.calls().size() == 0) return idle();
    patience = loop.after(kStopPatience, [this] { desk.fail_all(Reason::shutting_down); });
}

void Gateway::State::idle()
{
    if (!stopping || told_stopped) return;
    told_stopped = true;
    patience.reset();
    // From the loop: a step further out, nothing of a call is on the stack any more.
    loop.post([stopped = wires.stopped] { stopped(); });
}

// GW-3. What the front knows of who was let in before counts no longer; what runs for one who is gone ends with his sessions, which control ends.
void Gateway::State::callers_are(proto::CallersInForce const& told)
{
    callers = Callers(*told.callers);
    std::erase_if(per_caller, [&](auto const& each) { return !std::ranges::contains(*told.callers, each.first, &Caller::id); });
    send(proto::CallersChanged{++callers_generation});
}

// --- what the front says ---

void Gateway::State::on_frame(wire::Link::Frame const& frame)
{
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::authorize: return with<proto::FrontAuthorize>(frame, [this](auto const& asked) { on_authorize(asked); });
    case proto::Type::call_tool: return with<proto::FrontCall>(frame, [this](auto asked) { on_call(std::move(asked)); });
    case proto::Type::cancel_call: return with<proto::FrontCancel>(frame, [this](auto const& asked) { on_cancel(asked); });
    case proto::Type::ask_resource: return with<proto::FrontAskResource>(frame, [this](auto asked) { on_resource(std::move(asked)); });
    case proto::Type::front_refused: return with<proto::FrontRefused>(frame, [this](auto const& told) { on_refused(told); });
    case proto::Type::health_wanted:
        return with<proto::HealthWanted>(
            frame, [this](auto const& asked) { send(proto::HealthTold{asked.request, wires.health.all_up() && !stopping}); });
    default: return link->violation();
    }
}

void Gateway::State::on_authorize(proto::FrontAuthorize const& asked)
{
    Caller const* const caller = callers.find(asked.token.view());
    if (caller == nullptr) note_stranger(asked.trace.str());
    auto const tools = caller == nullptr ? proto::ToolSet{} : config.policy.may_use(caller->name).tools();
    send(proto::FrontAuthorized{asked.request, caller != nullptr, tools});
}

void Gateway::State::on_refused(proto::FrontRefused const& told)
{
    Caller const* const caller = told.token.empty() ? nullptr : callers.find(told.token.view());
    auto const count = caller == nullptr ? strangers.add(clock.now()) : of(*caller).refusals.add(clock.now());
    if (count == 0) return;
    proto::Event event;
    event.what = caller == nullptr ? What::caller_refused : What::tool_call_refused;
    event.outcome = proto::Outcome::failure;
    event.reason = proto::reason_of(told.code.view());
    event.trace = told.trace;
    event.actor = caller == nullptr ? wire::Text<128>("unknown") : wire::Text<128>::cut(caller->name);
    event.resource = "mcp";
    event.detail = wire::Text<1024>(told.code.str());
    event.number = count;
    wires.recorder.note(std::move(event));
}

void Gateway::State::note_stranger(std::string const& trace)
{
    auto const count = strangers.add(clock.now());
    if (count == 0) return;
    proto::Event event;
    event.what = What::caller_refused;
    event.outcome = proto::Outcome::failure;
    event.reason = Reason::unauthorized;
    event.trace = wire::Text<64>(trace);
    event.actor = "unknown";
    event.resource = "mcp";
    event.number = count;
    wires.recorder.note(std::move(event));
}

Gateway::State::PerCaller& Gateway::State::of(Caller const& caller)
{
    return per_caller.try_emplace(caller.id, PerCaller{RateLimit(config.calls_per_minute_max, clock.now()), Fold(kFoldTime)}).first->second;
}

Reason Gateway::State::admit(Caller const& caller, std::string const& chat)
{
    if (stopping) return Reason::shutting_down;
    auto const room = desk.calls().room(caller.id, chat, config.calls_per_caller_max, config.calls_per_session_queue_max);
    if (room != CallTable::Refusal::none) return Reason::too_many_calls;
    return of(caller).rate.take(clock.now()) ? Reason::none : Reason::rate_exceeded;
}

// Folded: a caller at its ceiling cannot fill the log (GW-8).
void Gateway::State::note_refused(Caller const& caller, std::string_view what, Reason reason, std::string const& trace)
{
    auto const count = of(caller).refusals.add(clock.now());
    if (count == 0) return;
    proto::Event event;
    event.what = What::tool_call_refused;
    event.outcome = proto::Outcome::failure;
    event.reason = reason;
    event.trace = wire::Text<64>(trace);
    event.actor = wire::Text<128>::cut(caller.name);
    event.resource = wire::Text<512>::cut(what);
    event.number = count;
    wires.recorder.note(std::move(event));
}

// Each one is written: no caller has more of them than its rate allows calls, and a call is two records. What would have to be allowed says what
// was asked for, with no more of it than the record of a call has.
void Gateway::State::note_denied(
    Caller const& caller, Action action, std::string_view path, Verdict const& verdict, std::string const& trace)
{
    proto::Event event;
    event.what = What::tool_call_refused;
    event.outcome = proto::Outcome::failure;
    event.reason = Reason::policy_denied;
    event.trace = wire::Text<64>(trace);
    event.actor = wire::Text<128>::cut(caller.name);
    event.resource = wire::Text<512>::cut(name_of(action));
    event.detail = verdict.fault == PathFault::none
                       ? wire::Text<1024>::cut("needed=" + needed_policy(caller.name, action, path))
                       : wire::Text<1024>::cut("path not judged: " + std::string(words_of(verdict.fault)));
    event.number = 1;
    wires.recorder.note(std::move(event));
}

// Before a call exists.
void Gateway::State::refuse(proto::FrontCall const& asked, Caller const* caller, Reason reason)
{
    std::string const trace = helper::new_trace();
    if (caller == nullptr) {
        note_stranger(trace);
    } else {
        note_refused(*caller, proto::name_of(asked.arguments.tool), reason, trace);
    }
    answer_refused(asked, reason, trace);
}

void Gateway::State::answer_refused(proto::FrontCall const& asked, Reason reason, std::string const& trace)
{
    proto::FrontDone done;
    done.request = asked.request;
    done.trace = wire::Text<proto::kTraceBytesMax>(trace);
    done.answer.reason = reason;
    done.answer.is_error = true;
    send(done);
}

void Gateway::State::on_call(proto::FrontCall asked)
{
    // The front numbers its calls anew each; a number that is in use means that it has lost its way.
    if (!asked.request || desk.calls().find_front(asked.request) != nullptr || resources.knows(asked.request)) return link->violation();
    Caller const* const caller = callers.find(asked.token.view());
    if (caller == nullptr) return refuse(asked, nullptr, Reason::unauthorized);
    if (Reason const reason = admit(*caller, asked.chat.str()); reason != Reason::none) return refuse(asked, caller, reason);
    auto const action = action_of(asked.arguments.tool);
    auto verdict = config.policy.judge(caller->name, action, asked.arguments.path.view());
    if (!verdict.allowed) {
        auto const trace = helper::new_trace();
        note_denied(*caller, action, asked.arguments.path.view(), verdict, trace);
        wires.control.send(proto::CallDenied{caller->id, wire::Text<proto::kChatIdBytesMax>(asked.chat.str())});
        return answer_refused(asked, Reason::policy_denied, trace);
    }
    Call call;
    call.id = CallId{++last_call};
    call.front = asked.request;
    call.caller = caller->id;
    call.caller_name = caller->name;
    call.chat = asked.chat.str();
    call.client_id = asked.client_id.str();
    call.trace = helper::new_trace();
    call.arguments = std::move(asked.arguments);
    // What was judged is what is used: `a/../b` would lead elsewhere if `a` were a link.
    if (!verdict.path.empty()) call.arguments.path = std::move(verdict.path);
    // Judged at the face already; the ceiling is the manifest's and holds here too, whatever the front has become.
    hold_to_limits(call.arguments, config.tool_timeout_max);
    call.wants_progress = asked.wants_progress;
    call.ignored_arguments = asked.ignored_arguments;
    desk.open(std::move(call));
}

void Gateway::State::on_resource(proto::FrontAskResource asked)
{
    bool const numbered = asked.request && desk.calls().find_front(asked.request) == nullptr && !resources.knows(asked.request);
    if (!numbered) return link->violation();
    auto const trace = helper::new_trace();
    auto const no = [&](Reason reason) { send(proto::FrontResource{asked.request, wire::Text<proto::kTraceBytesMax>(trace), reason, {}}); };
    Caller const* const caller = callers.find(asked.token.view());
    if (caller == nullptr) {
        note_stranger(trace);
        return no(Reason::unauthorized);
    }
    Reason reason = stopping ? Reason::shutting_down : Reason::none;
    if (reason == Reason::none && !resources.has_room(caller->id)) reason = Reason::too_many_calls;
    if (reason == Reason::none && !of(*caller).rate.take(clock.now())) reason = Reason::rate_exceeded;
    if (reason != Reason::none) {
        note_refused(*caller, "resources", reason, trace);
        return no(reason);
    }
    auto const action = asked.ask.verb == proto::ResourceVerb::read ? Action::resources_read : Action::resources_list;
    auto const path = action == Action::resources_read ? path_of_resource(asked.ask.path.view()) : std::string{};
    auto const verdict = config.policy.judge(caller->name, action, path);
    // A file has one name here: one that is written in another way is none, and stays so.
    if (!verdict.allowed || (!verdict.path.empty() && verdict.path != path)) {
        note_denied(*caller, action, path, verdict, trace);
        return no(Reason::policy_denied);
    }
    resources.open({CallId{++last_call}, asked.request, caller->id, caller->name, asked.chat.str(), trace, std::move(asked.ask)});
}

void Gateway::State::on_cancel(proto::FrontCancel const& asked)
{
    if (asked.request) {
        if (Call* const call = desk.calls().find_front(asked.request)) desk.cancel(*call);
        return;
    }
    Caller const* const caller = callers.find(asked.token.view());
    if (caller == nullptr) return note_stranger(helper::new_trace());
    if (Call* const call = desk.calls().find_client(caller->id, asked.chat.str(), asked.client_id.str())) desk.cancel(*call);
}

Gateway::Gateway(wire::Loop& loop, Clock const& clock, Config config, Wires wires)
    : state_(std::make_unique<State>(loop, clock, std::move(config), std::move(wires)))
{}

Gateway::~Gateway() = default;

}  // namespace ocu::gateway
