// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/certified_upstream.h"

namespace ocu::edge {

using proto::Reason;

struct CertifiedUpstream::State : std::enable_shared_from_this<State> {
    State(std::shared_ptr<ExchangeTools> from, wire::Loop& on, Terms what, Done tell)
        : tools(std::move(from)), loop(on), terms(std::move(what)), done(std::move(tell))
    {}

    void begin(std::unique_ptr<wire::Transport> bare);
    void sign(std::string const& hash, std::function<void(std::optional<std::string>)> then);
    void shaken(wire::Moved moved);
    void end(Reason reason, std::string_view word);

    std::shared_ptr<ExchangeTools> tools;  // shared with all exchanges of the process
    wire::Loop& loop;
    Terms terms;
    Done done;
    std::unique_ptr<wire::TlsStream> stream;
    Reason custody_said = Reason::none;
    wire::Watch deadline;
    bool over = false;
};

void CertifiedUpstream::State::begin(std::unique_ptr<wire::Transport> bare)
{
    auto const& upstream = tools->parts().upstream;
    if (!upstream) return end(Reason::upstream_unverified, "roots");
    wire::TlsClientIdentity identity{terms.chain_pem, [weak = weak_from_this()](std::string hash, auto then) {
                                         if (auto const self = weak.lock(); self && !self->over) self->sign(hash, std::move(then));
                                     }};
    auto made = upstream->connect_as(loop, std::move(bare), terms.upstream_name, std::move(identity));
    if (!made) return end(Reason::credential_unavailable, "certificate");
    stream = *std::move(made);
    deadline = loop.after(Bump::kHandshakeTime, [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->end(Reason::upstream_unverified, name_of(wire::TlsRefusal::grammar));
    });
    stream->handshake([weak = weak_from_this()](wire::Moved moved, std::size_t) {
        if (auto const self = weak.lock(); self && !self->over) self->shaken(moved);
    });
}

void CertifiedUpstream::State::sign(std::string const& hash, std::function<void(std::optional<std::string>)> then)
{
    tools->parts().custody.prove({RequestId{}, terms.lease, wire::Text<proto::kScopedTokenBytesMax>(terms.token),
                                     wire::Text<253>(terms.destination), wire::Text<64>(hash)},
        [weak = weak_from_this(), then = std::move(then)](proto::ClientProof const& proof) {
            auto const self = weak.lock();
            if (!self || self->over) return;
            self->custody_said = proof.reason;
            then(proof.reason == Reason::none ? std::optional(proof.signature.str()) : std::nullopt);
        });
}

void CertifiedUpstream::State::shaken(wire::Moved moved)
{
    if (custody_said != Reason::none) return end(custody_said, "proof");
    if (moved == wire::Moved::end) return end(Reason::upstream_unverified, name_of(stream->refusal()));
    end(Reason::none, {});
}

void CertifiedUpstream::State::end(Reason reason, std::string_view word)
{
    if (std::exchange(over, true)) return;
    deadline.reset();
    if (reason != Reason::none) stream.reset();
    auto const tell = std::move(done);  // it may destroy this
    tell(std::move(stream), reason, word);
}

CertifiedUpstream::CertifiedUpstream(
    std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, std::unique_ptr<wire::Transport> bare, Terms terms, Done done)
    : state_(std::make_shared<State>(std::move(tools), loop, std::move(terms), std::move(done)))
{
    loop.post([weak = std::weak_ptr(state_), bare = std::make_shared<std::unique_ptr<wire::Transport>>(std::move(bare))] {
        if (auto const state = weak.lock(); state && !state->over) state->begin(std::move(*bare));
    });
}

CertifiedUpstream::~CertifiedUpstream()
{
    state_->over = true;
    state_->deadline.reset();
}

}  // namespace ocu::edge
