// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/source_task.h"

#include <algorithm>
#include <optional>

#include "base/secret.h"
#include "proto/edge_to_custody.h"

namespace ocu::custody {

using proto::SourceFailure;

namespace {

SourceFailure failure_of(wire::TlsRefusal refusal)
{
    switch (refusal) {
    case wire::TlsRefusal::chain:
    case wire::TlsRefusal::dates:
    case wire::TlsRefusal::name:
    case wire::TlsRefusal::weak: return SourceFailure::untrusted;
    case wire::TlsRefusal::unasked: return SourceFailure::unasked;
    default: return SourceFailure::tls;
    }
}

}  // namespace

struct SourceTask::State : std::enable_shared_from_this<State> {
    State(proto::SourceConfig what, UniqueFd connected, std::function<void()> tell)
        : config(std::move(what)), stream(std::move(connected)), ended(std::move(tell)), face(config.basic)
    {}

    void hear(wire::Loop& loop, wire::Link::Frame const& frame);
    bool begin(wire::Loop& loop, std::string chain_pem);
    bool begin_tls(wire::Loop& loop, std::string chain_pem);
    void shaken(wire::Moved moved);
    void ask();
    void write(std::size_t from);
    void read();
    void fail(SourceFailure why);
    void answer(proto::SourceAnswered answered);

    proto::SourceConfig config;
    UniqueFd stream;
    std::function<void()> ended;
    SourceFace face;
    std::unique_ptr<wire::Link> channel;
    std::unique_ptr<wire::Transport> transport;
    wire::TlsStream* tls = nullptr;  // what transport is, for an endpoint
    std::function<void(std::optional<std::string>)> signature_wanted;
    std::string question;
    std::array<char, 4096> chunk{};
    wire::Watch deadline;
    bool begun = false;
    bool over = false;
};

void SourceTask::State::hear(wire::Loop& loop, wire::Link::Frame const& frame)
{
    bool good = false;
    if (frame.type == static_cast<std::uint16_t>(proto::Type::source_begin)) {
        auto heard = wire::decode<proto::SourceBegin>(frame.body);
        good = heard && !std::exchange(begun, true);
        if (good && !begin(loop, std::move(heard->chain_pem).take())) fail(SourceFailure::tls);
    } else if (auto const proof = wire::decode<proto::SourceProof>(frame.body); proof && signature_wanted) {
        auto const then = std::exchange(signature_wanted, nullptr);
        then(proof->signature.empty() ? std::nullopt : std::optional(proof->signature.str()));
        good = true;
    }
    if (!good) channel->violation();
}

bool SourceTask::State::begin(wire::Loop& loop, std::string chain_pem)
{
    deadline = loop.after(proto::kSourceWait, [this] { fail(SourceFailure::timed_out); });
    if (!config.server_name.empty()) return begin_tls(loop, std::move(chain_pem));
    transport = wire::plain_transport(loop, std::move(stream));
    ask();
    return true;
}

bool SourceTask::State::begin_tls(wire::Loop& loop, std::string chain_pem)
{
    auto const rules = wire::TlsToUpstream::make(config.ca_pem.view());
    if (!rules) return false;
    wire::TlsClientIdentity identity{std::move(chain_pem), [weak = weak_from_this()](std::string hash, auto then) {
                                         auto const self = weak.lock();
                                         if (!self || self->over) return;
                                         self->signature_wanted = std::move(then);
                                         self->channel->send(proto::SourceProofWanted{wire::Text<64>::cut(hash)});
                                     }};
    auto made = (*rules)->connect_as(loop, wire::plain_transport(loop, std::move(stream)), config.server_name.str(), std::move(identity));
    if (!made) return false;
    tls = made->get();
    transport = *std::move(made);
    tls->handshake([weak = weak_from_this()](wire::Moved moved, std::size_t) {
        if (auto const self = weak.lock(); self && !self->over) self->shaken(moved);
    });
    return true;
}

void SourceTask::State::shaken(wire::Moved moved)
{
    if (moved == wire::Moved::end) return fail(failure_of(tls->refusal()));
    ask();
}

void SourceTask::State::ask()
{
    question = print_source_question(config);
    write(0);
}

void SourceTask::State::write(std::size_t from)
{
    transport->write_some(std::string_view(question).substr(from), [weak = weak_from_this(), from](wire::Moved moved, std::size_t size) {
        auto const self = weak.lock();
        if (!self || self->over) return;
        // With TLS 1.3 a refused client certificate shows only now: it is what the source answers, or how it ends.
        if (moved == wire::Moved::end || from + size == self->question.size()) return self->read();
        self->write(from + size);
    });
}

void SourceTask::State::read()
{
    transport->read_some(chunk, [weak = weak_from_this()](wire::Moved moved, std::size_t size) {
        auto const self = weak.lock();
        if (!self || self->over) return;
        bool verdict = self->face.feed({self->chunk.data(), size});
        wipe(std::as_writable_bytes(std::span(self->chunk)));
        if (!verdict && moved == wire::Moved::end) {
            if (self->tls != nullptr && !self->face.has_begun()) return self->fail(SourceFailure::tls);
            self->face.ended();
            verdict = true;
        }
        verdict ? self->answer(self->face.take()) : self->read();
    });
}

void SourceTask::State::fail(SourceFailure why)
{
    proto::SourceAnswered failed;
    failed.failure = why;
    answer(std::move(failed));
}

void SourceTask::State::answer(proto::SourceAnswered answered)
{
    if (std::exchange(over, true)) return;
    deadline.reset();
    signature_wanted = nullptr;
    if (transport) transport->close();
    channel->send(answered);
    face.reset();
    auto value = std::move(answered.value).take();
    wipe(std::as_writable_bytes(std::span(value)));
}

SourceTask::SourceTask(wire::Loop& loop, proto::SourceConfig config, UniqueFd stream, UniqueFd channel, std::function<void()> ended)
    : state_(std::make_shared<State>(std::move(config), std::move(stream), std::move(ended)))
{
    State& s = *state_;
    s.channel = std::make_unique<wire::Link>(
        loop, std::move(channel), wire::Link::Options{proto::kCustodyMaySendSource, 1u << 20, wire::WipeSent::yes},
        [&s, &loop](wire::Link::Frame frame) { s.hear(loop, frame); },
        [&s, &loop](wire::Lost) {
            s.over = true;
            loop.post([tell = s.ended] { tell(); });
        });
}

SourceTask::~SourceTask()
{
    state_->over = true;
    state_->deadline.reset();
    state_->channel.reset();
    if (state_->transport) state_->transport->close();
}

}  // namespace ocu::custody
