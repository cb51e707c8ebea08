// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/files_front.h"

#include <unordered_map>

#include "helper/trace.h"
#include "storage/files_job.h"
#include "storage/files_text.h"
#include "wire/link.h"

namespace ocu::storage {

using proto::FilesWant;
using proto::Reason;
using wire::HttpReply;
using wire::HttpRequest;
using wire::HttpResponse;
using Operation = FilesOperation;

namespace {

constexpr std::size_t kQueueBytesMax = 4u << 20;

FilesWant want_of(Operation operation)
{
    switch (operation) {
    case Operation::embed_token: return FilesWant::embed_token;
    case Operation::begin_session: return FilesWant::begin_session;
    case Operation::show_session: return FilesWant::show_session;
    case Operation::end_session: return FilesWant::end_session;
    default: return FilesWant::channel;
    }
}

// What shows who asks is not kept while the request goes on.
bool is_secret(wire::HttpHeader const& header)
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    auto const same = [&](std::string_view name) { return std::ranges::equal(header.name, name, {}, lower); };
    return same("authorization") || same("cookie") || same("x-csrf-token");
}

wire::Json intents_json(proto::Intents intents)
{
    auto out = wire::Json::array();
    if ((intents & proto::kReadIntent) != 0) out.push(wire::Json::string("read"));
    if ((intents & proto::kPreviewIntent) != 0) out.push(wire::Json::string("preview"));
    if ((intents & proto::kWriteIntent) != 0) out.push(wire::Json::string("write"));
    return out;
}

}  // namespace

struct FilesFront::State : std::enable_shared_from_this<FilesFront::State> {
    State(wire::Loop& on, Options from, std::function<void()> at_end) : loop(on), options(std::move(from)), gone(std::move(at_end)) {}

    struct Pending {  // for the storage thread's word
        HttpRequest head;
        FilesRequest request;
        std::shared_ptr<HttpReply> reply;
        std::string trace;
    };

    void begin(UniqueFd listener, UniqueFd fd);
    void on_request(HttpRequest request, std::shared_ptr<HttpReply> reply);
    bool take_json(HttpRequest const& request, FilesRequest& out) const;
    void on_frame(wire::Link::Frame& frame);
    void answered(proto::FilesAnswer const& answer);
    void opened(proto::FilesOpened const& told, UniqueFd channel);
    HttpResponse session_answer(Operation operation, proto::FilesAnswer const& answer) const;
    void note(HttpResponse const& response, std::string const& trace) const;

    wire::Loop& loop;
    Options options;
    std::function<void()> gone;
    std::unique_ptr<wire::Link> link;
    std::optional<wire::HttpServer> http;
    std::uint64_t last = 0;
    std::unordered_map<RequestId, Pending> pending;
    std::unordered_map<RequestId, std::shared_ptr<FilesJob>> jobs;
};

void FilesFront::State::begin(UniqueFd listener, UniqueFd fd)
{
    auto const weak = weak_from_this();
    link = std::make_unique<wire::Link>(
        loop, std::move(fd), wire::Link::Options{proto::kStorageMaySendFilesFront, kQueueBytesMax},
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
        auto response = files_error(refusal.status, refusal.code, trace);
        if (auto const self = weak.lock()) self->note(response, trace);
        return response;
    };
    http_options.choose = [weak](HttpRequest const& head) {
        auto const self = weak.lock();
        auto const trace = helper::new_trace();
        auto choice = self ? body_of(self->options.rules, judge_files_request(self->options.rules, head, trace)) : wire::HttpBodyChoice{};
        if (self && choice.refusal) self->note(*choice.refusal, trace);
        return choice;
    };
    http.emplace(loop, std::move(listener), std::move(http_options), [weak](HttpRequest request, std::shared_ptr<HttpReply> reply) {
        if (auto const self = weak.lock()) self->on_request(std::move(request), std::move(reply));
    });
}

// What the face refuses is on record, folded there; what there is none of is only said.
void FilesFront::State::note(HttpResponse const& response, std::string const& trace) const
{
    if (response.refused_as.empty() || response.refused_as == "not_found") return;
    link->send(proto::FilesRefusal{wire::Text<proto::kFilesTraceBytesMax>::cut(trace), wire::Text<48>::cut(response.refused_as)});
}

bool FilesFront::State::take_json(HttpRequest const& request, FilesRequest& out) const
{
    if (out.operation == Operation::embed_token) {
        auto wish = token_wish_in(request.body);
        if (!wish) return false;
        out.intents = wish->intents;
        out.caller = std::move(wish->caller);
        return true;
    }
    if (out.operation != Operation::begin_session) return true;
    auto token = token_in(request.body);
    if (token) out.secret = *std::move(token);
    return token.has_value();
}

void FilesFront::State::on_request(HttpRequest request, std::shared_ptr<HttpReply> reply)
{
    auto const trace = helper::new_trace();
    auto decision = judge_files_request(options.rules, request, trace);
    auto const respond = [&](HttpResponse response) {
        note(response, trace);
        reply->send(std::move(response));
    };
    if (auto* const response = std::get_if<HttpResponse>(&decision)) return respond(std::move(*response));
    auto wanted = std::get<FilesRequest>(std::move(decision));
    if (!take_json(request, wanted)) return respond(files_error(Reason::bad_request, trace));
    RequestId const id{++last};
    proto::FilesAsk ask;
    ask.request = id;
    ask.want = want_of(wanted.operation);
    ask.shown = wanted.shown;
    ask.secret = std::exchange(wanted.secret, {});
    ask.csrf = std::exchange(wanted.csrf, {});
    ask.changes = wanted.changes;
    ask.makes = wanted.operation == Operation::upload || wanted.operation == Operation::form;
    ask.chat = wanted.chat;
    ask.intents = wanted.intents;
    ask.trace = trace;
    ask.caller = wanted.caller;
    link->send(ask);
    std::erase_if(request.headers, is_secret);
    pending.emplace(id, Pending{std::move(request), std::move(wanted), std::move(reply), trace});
}

void FilesFront::State::on_frame(wire::Link::Frame& frame)
{
    if (frame.type == static_cast<std::uint16_t>(proto::Type::files_opened)) {
        auto const told = wire::decode<proto::FilesOpened>(frame.body);
        return told ? opened(*told, std::move(frame.descriptors.front())) : link->violation();
    }
    auto const answer = wire::decode<proto::FilesAnswer>(frame.body);
    return answer ? answered(*answer) : link->violation();
}

void FilesFront::State::opened(proto::FilesOpened const& told, UniqueFd channel)
{
    auto const found = pending.find(told.request);
    if (found == pending.end()) return link->violation();
    auto waited = std::move(found->second);
    pending.erase(found);
    auto const id = told.request;
    auto const job = make_files_job({loop, options.rules, std::move(waited.reply), std::move(waited.head), std::move(waited.request),
        std::move(waited.trace), [weak = weak_from_this(), id] {
            if (auto const self = weak.lock()) self->jobs.erase(id);
        }});
    jobs.emplace(id, job);
    job->start(std::move(channel));
}

HttpResponse FilesFront::State::session_answer(Operation operation, proto::FilesAnswer const& answer) const
{
    auto body = wire::Json::object();
    if (operation == Operation::embed_token) {
        body.set("token", answer.secret.view()).set("expires_in", static_cast<std::uint64_t>(answer.expires_in_s));
        body.set("url", "/embed#token=" + answer.secret.str());
        return files_json(201, body);
    }
    if (operation == Operation::end_session)
        return {204, {{"Set-Cookie", cookie_header(options.rules, "", 0)}, {"Cache-Control", "no-store"}}};
    auto limits = wire::Json::object();
    limits.set("upload_bytes_max", options.rules.upload_bytes_max);
    body.set("csrf", answer.csrf.view()).set("intents", intents_json(answer.intents));
    body.set("expires_in", static_cast<std::uint64_t>(answer.expires_in_s)).set("limits", std::move(limits));
    auto response = files_json(200, body);
    if (operation == Operation::begin_session)
        response.headers.push_back({"Set-Cookie", cookie_header(options.rules, answer.secret.view(), answer.expires_in_s)});
    return response;
}

void FilesFront::State::answered(proto::FilesAnswer const& answer)
{
    auto const found = pending.find(answer.request);
    if (found == pending.end()) return link->violation();
    auto const waited = std::move(found->second);
    pending.erase(found);
    if (answer.reason != Reason::none) return waited.reply->send(files_error(answer.reason, waited.trace, answer.retry_after_s));
    waited.reply->send(session_answer(waited.request.operation, answer));
}

FilesFront::FilesFront(wire::Loop& loop, Options options, UniqueFd listener, UniqueFd link, std::function<void()> gone)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(gone)))
{
    state_->begin(std::move(listener), std::move(link));
}

FilesFront::~FilesFront() = default;

}  // namespace ocu::storage
