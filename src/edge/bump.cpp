// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/bump.h"

#include "base/crypto/certificate.h"
#include "edge/client_hello_face.h"
#include "wire/http_relay_head.h"

namespace ocu::edge {

std::string const* ExchangeTools::Parts::fresh_leaf(std::string const& host)
{
    auto const found = leaves.find(host);
    if (found == leaves.end()) return nullptr;
    if (clock.now() - found->second.made < kLeafAgeMax) return &found->second.der;
    leaves.erase(found);
    return nullptr;
}

void ExchangeTools::Parts::keep_leaf(std::string const& host, std::string der)
{
    if (leaves.size() >= kLeavesMax) leaves.erase(leaves.begin());  // any: one more signature is what it costs
    leaves[host] = {std::move(der), clock.now()};
}

namespace {

// What the guest can speak; both where its hello has not been read.
wire::AlpnOffer offer_of(std::string_view already, bool http1_only)
{
    if (http1_only) return {false, true};
    auto const hello = read_client_hello({reinterpret_cast<std::uint8_t const*>(already.data()), already.size()});
    if (hello.state != HelloState::whole) return {true, true};
    auto const& offered = hello.protocols;
    bool const h2 = std::ranges::find(offered, "h2") != offered.end();
    bool const http11 = offered.empty() || std::ranges::find(offered, "http/1.1") != offered.end();
    // One that offers neither will be told so; the upstream need not hear of it.
    return {h2, http11 || !h2};
}

}  // namespace

struct Bump::State : std::enable_shared_from_this<Bump::State> {
    State(std::shared_ptr<ExchangeTools> from, wire::Loop& on, ExchangeRoute to, Calls tell)
        : tools(std::move(from)), loop(on), route(std::move(to)), calls(std::move(tell))
    {}

    void begin_upstream();
    void begin_leaf();
    void leaf_came(Result<std::string> der);
    void upstream_done(wire::TlsRefusal refusal);
    void both();
    void guest_done(wire::Moved moved);
    void fail(proto::Reason reason, std::string_view word);
    template <class Task>
    void deadline(Task task)
    {
        watch = loop.after(kHandshakeTime, [weak = weak_from_this(), task] {
            if (auto const self = weak.lock()) task(*self);
        });
    }

    std::shared_ptr<ExchangeTools> tools;  // shared with all exchanges of the process
    wire::Loop& loop;
    ExchangeRoute route;
    Calls calls;
    std::unique_ptr<wire::Transport> guest_inner;
    std::unique_ptr<wire::Transport> upstream_inner;
    std::string already;
    std::unique_ptr<wire::TlsStream> guest;
    std::unique_ptr<wire::TlsStream> upstream;
    std::string leaf;
    std::optional<wire::TlsRefusal> refusal;
    wire::AlpnOffer offer;
    wire::Alpn chosen = wire::Alpn::http11;
    bool no_common_protocol = false;
    wire::Watch watch;
    bool over = false;
};

Bump::Bump(std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, std::unique_ptr<wire::Transport> guest, std::string already,
    std::unique_ptr<wire::Transport> upstream, ExchangeRoute const& route, Calls calls)
    : state_(std::make_shared<State>(std::move(tools), loop, route, std::move(calls)))
{
    state_->guest_inner = std::move(guest);
    state_->upstream_inner = std::move(upstream);
    state_->already = std::move(already);
    loop.post([weak = std::weak_ptr(state_)] {
        auto const state = weak.lock();
        if (!state || state->over) return;
        state->begin_upstream();
        if (!state->over) state->begin_leaf();
    });
}

Bump::~Bump()
{
    state_->over = true;
    state_->watch.reset();
    if (state_->guest) state_->guest->abort();
    if (state_->guest_inner) state_->guest_inner->abort();
}

void Bump::State::begin_upstream()
{
    if (!tools->parts().upstream) return fail(proto::Reason::upstream_unverified, "roots");
    offer = offer_of(already, route.http1_only);
    if (route.client_certificate) {
        refusal = wire::TlsRefusal::none;
        return;
    }
    auto stream = tools->parts().upstream->connect(loop, std::move(upstream_inner), route.upstream_name, offer);
    if (!stream) return fail(proto::Reason::upstream_unverified, "rules");
    upstream = *std::move(stream);
    // A server that says nothing is not accepted either; whatever it says afterwards is not heard.
    deadline([](State& self) { self.upstream_done(wire::TlsRefusal::grammar); });
    upstream->handshake([weak = weak_from_this()](wire::Moved moved, std::size_t) {
        if (auto const self = weak.lock(); self && !self->over)
            self->upstream_done(moved == wire::Moved::some ? wire::TlsRefusal::none : self->upstream->refusal());
    });
}

void Bump::State::upstream_done(wire::TlsRefusal found)
{
    if (refusal) return;
    if (found == wire::TlsRefusal::none) chosen = upstream->protocol();
    // A server without ALPN speaks HTTP/1.1, whether the guest does or not.
    if (found == wire::TlsRefusal::none && chosen == wire::Alpn::http11 && !offer.http11) found = wire::TlsRefusal::protocol;
    refusal = found;
    if (found != wire::TlsRefusal::none) {
        upstream.reset();
        // The guest is told why in the protocol that it speaks.
        chosen = offer.http11 ? wire::Alpn::http11 : wire::Alpn::h2;
        no_common_protocol = found == wire::TlsRefusal::protocol && !offer.http11;
    }
    both();
}

void Bump::State::begin_leaf()
{
    auto& parts = tools->parts();
    if (auto const* known = parts.fresh_leaf(route.name)) return leaf_came(*known);
    parts.custody.leaf(route.name, parts.key, [weak = weak_from_this(), kept = tools](Result<std::string> der) {
        auto const self = weak.lock();
        if (der && self) kept->parts().keep_leaf(self->route.name, *der);
        if (self && !self->over) self->leaf_came(std::move(der));
    });
}

void Bump::State::leaf_came(Result<std::string> der)
{
    if (!der || der->empty()) return fail(proto::Reason::credential_unavailable, "leaf");
    leaf = *std::move(der);
    both();
}

void Bump::State::both()
{
    if (over || !refusal || leaf.empty() || guest) return;
    auto stream = tools->parts().guest->accept(loop, std::move(guest_inner), leaf, std::move(already), chosen);
    if (!stream) return fail(proto::Reason::credential_unavailable, "leaf");
    guest = *std::move(stream);
    deadline([](State& self) { self.guest_done(wire::Moved::end); });
    guest->handshake([weak = weak_from_this()](wire::Moved moved, std::size_t) {
        if (auto const self = weak.lock(); self && !self->over) self->guest_done(moved);
    });
}

void Bump::State::guest_done(wire::Moved moved)
{
    if (over) return;
    if (moved == wire::Moved::end) {
        // A guest that does not trust the leaf ends the handshake too; which of the two it was is not told to us reliably.
        bool const other_protocol = guest->refusal() == wire::TlsRefusal::protocol;
        return fail(proto::Reason::protocol_denied, other_protocol ? "protocol" : "handshake");
    }
    // A hello that was not read beforehand, without ALPN: the upstream has agreed to speak what this guest does not.
    if (guest->protocol() != chosen) return fail(proto::Reason::protocol_denied, "protocol");
    // Judged before anything of the guest's is read, for a name that came after CONNECT: it is the route's, or this is another connection.
    auto const asked = wire::lower_case(guest->server_name());
    bool const numeric = wire::is_numeric_address(route.name);
    if (asked.empty() && !numeric) return fail(proto::Reason::no_sni, "sni");
    if (!asked.empty() && asked != route.name) return fail(proto::Reason::name_mismatch, "sni");
    over = true;
    watch.reset();
    auto const opened = std::move(calls.opened);
    opened({std::move(guest), std::move(upstream), *refusal, chosen, no_common_protocol, std::move(upstream_inner)});
}

void Bump::State::fail(proto::Reason reason, std::string_view word)
{
    if (std::exchange(over, true)) return;
    watch.reset();
    if (guest) guest->abort();
    if (guest_inner) guest_inner->abort();
    if (upstream) upstream->close();
    auto const failed = std::move(calls.failed);  // it may destroy this
    failed(reason, word);
}

}  // namespace ocu::edge
