// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/front.h"

#include <array>
#include <unordered_map>

#include "base/crypto/crypto.h"
#include "base/log.h"
#include "gateway/front_calls.h"
#include "helper/trace.h"
#include "proto/gateway_front_to_gateway.h"

namespace ocu::gateway {

using proto::Reason;
using wire::HttpReply;
using wire::HttpRequest;

namespace {

constexpr std::size_t kQueueBytesMax = 64u << 20;

}  // namespace

struct Front::State : std::enable_shared_from_this<Front::State> {
    State(wire::Loop& on, Clock const& with, Options from, std::function<void()> at_end)
        : loop(on), clock(with), options(std::move(from)), gone(std::move(at_end))
    {}

    void begin(UniqueFd listener, UniqueFd fd);
    void on_request(HttpRequest request, std::shared_ptr<HttpReply> reply);
    void authorize(HttpRequest request, std::string token, std::shared_ptr<HttpReply> reply);
    void accepted(HttpRequest const& request, std::string const& token, proto::ToolSet shown, std::shared_ptr<HttpReply> const& reply);
    void call(CallAsked asked, std::string const& token, std::shared_ptr<HttpReply> const& reply);
    void ask_resource(ResourceAsked asked, std::string const& token, std::shared_ptr<HttpReply> const& reply);
    void on_resource(proto::FrontResource const& told);
    void on_frame(wire::Link::Frame const& frame);
    void on_authorized(proto::FrontAuthorized const& answer);
    void on_done(proto::FrontDone const& done);
    void refused(std::string_view code, std::string const& trace, std::string_view token);
    void answer(std::shared_ptr<HttpReply> const& reply, wire::HttpResponse response, std::string const& trace, std::string_view token);

    template <class Message, class Then>
    void with(wire::Link::Frame const& frame, Then then)
    {
        auto const message = wire::decode<Message>(frame.body);
        if (!message) return link->violation();
        then(*message);
    }

    struct Waiting {  // for the word of the gateway on its token
        HttpRequest request;
        std::string token;
        std::shared_ptr<HttpReply> reply;
        std::string trace;
    };
    struct AskedResource {
        ResourceAsked asked;
        std::shared_ptr<HttpReply> reply;
    };
    struct Known {
        crypto::Digest token;  // salted: a token is not kept beyond its request
        Monotonic until;
        proto::ToolSet shown;
    };
    crypto::Digest digest_of(std::string_view token) const
    {
        return crypto::Sha256().update(crypto::as_bytes(salt)).update(token).finish();
    }

    wire::Loop& loop;
    Clock const& clock;
    Options options;
    std::function<void()> gone;
    std::string const salt = helper::new_trace();
    std::optional<wire::Link> link;
    std::optional<wire::HttpServer> http;
    std::uint64_t last_request = 0;
    std::unordered_map<RequestId, Waiting> waiting;
    std::unordered_map<RequestId, std::shared_ptr<HttpReply>> health_waiting;
    std::unordered_map<RequestId, std::unique_ptr<PendingCall>> calls;
    std::unordered_map<RequestId, AskedResource> resources;
    // Accepted on this connection a moment ago: a client that asks three things in a row is judged once. Bounded by time and by the
    // number of connections; forgotten when a caller changes.
    std::unordered_map<ConnectionId, Known> known;
};

void Front::State::begin(UniqueFd listener, UniqueFd fd)
{
    auto const weak = weak_from_this();
    link.emplace(
        loop, std::move(fd), wire::Link::Options{proto::kGatewayMaySayToFront, kQueueBytesMax},
        [weak](wire::Link::Frame frame) {
            if (auto const self = weak.lock()) self->on_frame(frame);
        },
        [weak](wire::Lost) {
            if (auto const self = weak.lock()) self->gone();
        });
    wire::HttpServer::Options http_options;
    http_options.limits = options.http;
    http_options.tls = std::exchange(options.tls, std::nullopt);
    http_options.refuse = [weak](wire::HttpRefusal refusal) {
        auto const trace = helper::new_trace();
        if (auto const self = weak.lock()) self->refused(refusal.code, trace, {});
        return refused_by_server(refusal, trace);
    };
    http.emplace(loop, std::move(listener), std::move(http_options), [weak](HttpRequest request, std::shared_ptr<HttpReply> reply) {
        if (auto const self = weak.lock()) self->on_request(std::move(request), std::move(reply));
    });
}

void Front::State::refused(std::string_view code, std::string const& trace, std::string_view token)
{
    proto::FrontRefused told;
    told.trace = wire::Text<proto::kTraceBytesMax>::cut(trace);
    told.code = wire::Text<48>::cut(code);
    told.token = wire::Text<proto::kTokenBytesMax>::cut(token);
    link->send(told);
}

void Front::State::answer(
    std::shared_ptr<HttpReply> const& reply, wire::HttpResponse response, std::string const& trace, std::string_view token)
{
    if (!response.refused_as.empty()) refused(response.refused_as, trace, token);
    reply->send(std::move(response));
}

void Front::State::on_request(HttpRequest request, std::shared_ptr<HttpReply> reply)
{
    auto const trace = helper::new_trace();
    auto decision = judge_head(options.rules, request, trace);
    if (auto* const response = std::get_if<wire::HttpResponse>(&decision)) return answer(reply, std::move(*response), trace, {});
    if (std::holds_alternative<HealthAsked>(decision)) {
        RequestId const id{++last_request};
        health_waiting.emplace(id, std::move(reply));
        return link->send(proto::HealthWanted{id});
    }
    authorize(std::move(request), std::move(std::get<TokenShown>(decision).token), std::move(reply));
}

void Front::State::authorize(HttpRequest request, std::string token, std::shared_ptr<HttpReply> reply)
{
    auto const found = known.find(request.connection);
    if (found != known.end() && clock.now() < found->second.until && found->second.token == digest_of(token)) {
        return accepted(request, token, found->second.shown, reply);
    }
    RequestId const id{++last_request};
    auto trace = helper::new_trace();
    link->send(proto::FrontAuthorize{id, token, wire::Text<proto::kTraceBytesMax>(trace)});
    waiting.emplace(id, Waiting{std::move(request), std::move(token), std::move(reply), std::move(trace)});
}

void Front::State::on_authorized(proto::FrontAuthorized const& answer)
{
    auto const found = waiting.find(answer.request);
    if (found == waiting.end()) return link->violation();
    Waiting const waited = std::move(found->second);
    waiting.erase(found);
    if (!answer.good) {
        known.erase(waited.request.connection);
        return waited.reply->send(unauthorized(options.rules, Token::refused, waited.trace));
    }
    if (known.size() > options.http.connections_max) known.clear();
    known.insert_or_assign(waited.request.connection, Known{digest_of(waited.token), clock.now() + kAuthorizedFor, answer.tools});
    accepted(waited.request, waited.token, answer.tools, waited.reply);
}

// The body is parsed from here on, never before.
void Front::State::accepted(
    HttpRequest const& request, std::string const& token, proto::ToolSet shown, std::shared_ptr<HttpReply> const& reply)
{
    auto const trace = helper::new_trace();
    auto decision = decide(options.rules, request, trace, shown);
    if (auto* const response = std::get_if<wire::HttpResponse>(&decision)) return answer(reply, std::move(*response), trace, token);
    if (auto const* const cancel = std::get_if<CancelAsked>(&decision)) {
        link->send(proto::FrontCancel{RequestId{}, token, cancel->chat, cancel->id});
        return reply->send({.status = 202});
    }
    if (auto* const resource = std::get_if<ResourceAsked>(&decision)) return ask_resource(std::move(*resource), token, reply);
    call(std::move(std::get<CallAsked>(decision)), token, reply);
}

void Front::State::call(CallAsked asked, std::string const& token, std::shared_ptr<HttpReply> const& reply)
{
    RequestId const id{++last_request};
    proto::FrontCall frame;
    frame.request = id;
    frame.token = token;
    frame.chat = asked.chat;
    frame.client_id = asked.id;
    frame.arguments = std::move(asked.arguments);
    frame.wants_progress = !asked.progress_token.empty();
    frame.ignored_arguments = asked.ignored;
    link->send(frame);
    // Only in the stateless era does leaving mean cancelling; before it, a client that lost its connection may still want the effect.
    if (asked.era == Era::stateless) {
        reply->on_disconnect([weak = weak_from_this(), id] {
            auto const self = weak.lock();
            if (!self || !self->calls.contains(id)) return;
            self->link->send(proto::FrontCancel{id, {}, {}, {}});
        });
    }
    calls.emplace(id, std::make_unique<PendingCall>(loop, std::move(asked), reply));
}

void Front::State::ask_resource(ResourceAsked asked, std::string const& token, std::shared_ptr<HttpReply> const& reply)
{
    RequestId const id{++last_request};
    link->send(proto::FrontAskResource{id, token, asked.chat, asked.ask});
    resources.emplace(id, AskedResource{std::move(asked), reply});
}

void Front::State::on_resource(proto::FrontResource const& told)
{
    auto const found = resources.find(told.request);
    if (found == resources.end()) return link->violation();
    auto const waited = std::move(found->second);
    resources.erase(found);
    if (told.reason == Reason::unauthorized) return waited.reply->send(unauthorized(options.rules, Token::refused, told.trace.view()));
    auto made = reply_of(waited.asked, told);
    waited.reply->send({made.status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(made.body)});
}

void Front::State::on_done(proto::FrontDone const& done)
{
    auto const found = calls.find(done.request);
    if (found == calls.end()) return link->violation();
    auto const call = std::move(found->second);
    calls.erase(found);
    if (done.answer.reason == Reason::unauthorized) return call->refuse(unauthorized(options.rules, Token::refused, done.trace.view()));
    call->done(done);
}

void Front::State::on_frame(wire::Link::Frame const& frame)
{
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::authorized: return with<proto::FrontAuthorized>(frame, [this](auto const& answer) { on_authorized(answer); });
    case proto::Type::call_done: return with<proto::FrontDone>(frame, [this](auto const& done) { on_done(done); });
    case proto::Type::call_progress:
        return with<proto::FrontProgress>(frame, [this](auto const& progress) {
            if (auto const found = calls.find(progress.request); found != calls.end()) found->second->progress(progress);
        });
    case proto::Type::resource_told: return with<proto::FrontResource>(frame, [this](auto const& told) { on_resource(told); });
    case proto::Type::callers_changed: return with<proto::CallersChanged>(frame, [this](auto const&) { known.clear(); });
    case proto::Type::health_told:
        return with<proto::HealthTold>(frame, [this](auto const& told) {
            auto const found = health_waiting.find(told.request);
            if (found == health_waiting.end()) return;
            found->second->send(health(told.healthy));
            health_waiting.erase(found);
        });
    default: return link->violation();
    }
}

Front::Front(wire::Loop& loop, Clock const& clock, Options options, UniqueFd listener, UniqueFd link, std::function<void()> gone)
    : state_(std::make_shared<State>(loop, clock, std::move(options), std::move(gone)))
{
    state_->begin(std::move(listener), std::move(link));
}

Front::~Front() = default;

}  // namespace ocu::gateway
