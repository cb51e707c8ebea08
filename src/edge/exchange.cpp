// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/exchange.h"

#include <charconv>
#include <optional>

#include "base/crypto/certificate.h"
#include "edge/bump.h"
#include "edge/icap_stage.h"
#include "edge/inject.h"
#include "edge/relay_refusal.h"
#include "edge/strip.h"
#include "wire/http_relay.h"

namespace ocu::edge {

using proto::Reason;

ExchangeTools::ExchangeTools(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ExchangeTools::~ExchangeTools() = default;

Result<std::shared_ptr<ExchangeTools>> ExchangeTools::make(std::string_view roots_pem, Custody& custody, Clock const& clock)
{
    auto const key = OCU_TRY(crypto::make_p256_key());
    auto const pem = OCU_TRY(crypto::p256_key_pem(key));
    auto const public_key = OCU_TRY(crypto::p256_public(key));
    std::shared_ptr<wire::TlsToUpstream> upstream;
    if (!roots_pem.empty()) upstream = OCU_TRY(wire::TlsToUpstream::make(roots_pem));
    auto guest = OCU_TRY(wire::TlsToGuest::make(pem));
    return std::shared_ptr<ExchangeTools>(
        new ExchangeTools(std::make_unique<Parts>(Parts{custody, clock, public_key, std::move(upstream), std::move(guest), {}})));
}

struct Exchange::Impl final : wire::RelayOwner, std::enable_shared_from_this<Exchange::Impl> {
    Impl(std::shared_ptr<ExchangeTools> from, wire::Loop& on, ExchangeRoute to, Calls tell)
        : tools(std::move(from)), loop(on), route(std::move(to)), calls(std::move(tell)), icap(on, route.connection, calls.ask_icap)
    {}

    void begin(UniqueFd guest, std::string already, UniqueFd upstream);
    void start_relay(std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream, std::string already);
    void allowed(proto::RequestAllowed const& message);
    bool lacks_token() const;
    void show_request();
    void go_on();
    void redeemed(proto::Redeemed& message);
    void refused(proto::RequestRefused const& message);
    void forward(wire::HttpRelay::Secret secret);
    void refuse_allowed(Reason reason);
    void refuse_and_end(Reason reason, std::string_view word);
    void cut();
    void stop();
    void tell_ended(Reason reason, std::string_view word, wire::RelayTotals totals);
    std::string authority() const;
    wire::HttpRelay::Then then() const
    {
        return route.form == proto::RouteForm::absolute ? wire::HttpRelay::Then::close : wire::HttpRelay::Then::go_on;
    }

    void request(wire::RelayRequest const& head) override;
    std::optional<wire::HttpResponse> response(wire::RelayResponse& response) override;
    std::unique_ptr<wire::BodyFilter> filter(wire::RelayResponse const& response) override;
    bool holds(wire::RelayResponse const& response) override;
    wire::HttpResponse explain(wire::RelayFault fault) override;
    void done(wire::RelayDone const& told) override;
    void ended(wire::RelayFault fault, wire::RelayTotals totals) override;

    enum class Phase : std::uint8_t { none, asked, showing, redeeming, forwarded, answered };

    std::shared_ptr<ExchangeTools> tools;  // shared with all exchanges of the process
    wire::Loop& loop;
    ExchangeRoute route;
    Calls calls;
    IcapStage icap;
    std::optional<Bump> bump;
    std::optional<wire::HttpRelay> relay;
    wire::TlsRefusal unverified = wire::TlsRefusal::none;

    Phase phase = Phase::none;
    std::uint64_t number = 0;
    wire::RelayRequest pending;              // asked for, or waiting for its credential
    wire::RelayRequest shown;                // as it is shown with its answer: without what is injected
    proto::RequestAllowed permit;
    bool told_allowed = false;
    Reason done_reason = Reason::none;
    Reason end_reason = Reason::none;
    std::string_view end_word;
    std::shared_ptr<CredentialPatterns const> patterns;  // shared with the filter of the answer's body
    bool over = false;
};

void Exchange::Impl::begin(UniqueFd guest, std::string already, UniqueFd upstream)
{
    auto guest_side = wire::plain_transport(loop, std::move(guest));
    auto upstream_side = wire::plain_transport(loop, std::move(upstream));
    if (route.handling != proto::Handling::bump) return start_relay(std::move(guest_side), std::move(upstream_side), std::move(already));
    auto const opened = [weak = weak_from_this()](Bump::Opened sides) {
        auto const self = weak.lock();
        if (!self || self->over) return;
        self->unverified = sides.refusal;
        self->start_relay(std::move(sides.guest), std::move(sides.upstream), {});
    };
    auto const failed = [weak = weak_from_this()](Reason reason, std::string_view word) {
        if (auto const self = weak.lock(); self && !self->over) self->tell_ended(reason, word, {});
    };
    bump.emplace(tools, loop, std::move(guest_side), std::move(already), std::move(upstream_side), route, Bump::Calls{opened, failed});
}

void Exchange::Impl::start_relay(std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream, std::string already)
{
    relay.emplace(loop, std::move(guest), std::move(upstream), std::move(already), wire::RelayLimits{}, *this);
}

void Exchange::Impl::request(wire::RelayRequest const& head)
{
    auto const keep = shared_from_this();
    if (unverified != wire::TlsRefusal::none) return refuse_and_end(Reason::upstream_unverified, name_of(unverified));
    // What the connection was opened for and what the request asks for are one host: a rule for one never opens the other.
    if (head.host != route.name || (head.port != 0 && head.port != route.port)) return refuse_and_end(Reason::name_mismatch, "host");
    if (head.path.size() > proto::kPathTextBytesMax) return refuse_and_end(Reason::path_denied, "length");
    pending = head;
    phase = Phase::asked;
    told_allowed = false;
    done_reason = Reason::none;
    calls.ask({route.connection, RequestId{++number}, head.method, head.host, head.path});
}

void Exchange::Impl::allowed(proto::RequestAllowed const& message)
{
    if (over || phase != Phase::asked || message.request != RequestId{number}) return;
    told_allowed = true;
    permit = message;
    icap.begin(message.request, message.icap);
    // What its frames carry would be shown to nobody.
    if (pending.websocket && !message.icap.empty()) return refuse_allowed(Reason::protocol_denied);
    if (lacks_token()) return refuse_allowed(Reason::scoped_token_missing);
    if (icap.shows_request()) return show_request();
    go_on();
}

// A scoped token is where it belongs, if one does, and nowhere else.
bool Exchange::Impl::lacks_token() const
{
    auto const header = permit.lease == 0 ? std::string_view{} : permit.header.view();
    return has_stray_token(pending, header) || (permit.lease != 0 && !presented_token(pending, header));
}

// Before anything is put into it: what the ICAP server sees holds no credential (T-12).
void Exchange::Impl::show_request()
{
    phase = Phase::showing;
    auto const then = [this](Reason reason, wire::RelayRequest next) {
        if (over || phase != Phase::showing) return;
        if (reason != Reason::none) return refuse_allowed(reason);
        pending = std::move(next);
        go_on();
    };
    icap.show_request(pending, authority(), [this](auto adapter) { relay->adapt_request(std::move(adapter)); }, then);
}

void Exchange::Impl::go_on()
{
    if (icap.shows_response()) shown = pending;
    if (lacks_token()) return refuse_allowed(Reason::scoped_token_missing);
    if (permit.lease == 0) return forward(wire::HttpRelay::Secret::none);
    auto const token = presented_token(pending, permit.header.view());
    if (!token) return refuse_allowed(Reason::scoped_token_missing);
    phase = Phase::redeeming;
    tools->parts().custody.redeem(permit.lease, *token, [weak = weak_from_this(), asked = number](proto::Redeemed& answer) {
        auto const self = weak.lock();
        if (self && !self->over && self->phase == Phase::redeeming && self->number == asked) self->redeemed(answer);
        auto credential = std::exchange(answer.credential, {}).take();
        wipe(std::as_writable_bytes(std::span(credential)));
    });
}

void Exchange::Impl::redeemed(proto::Redeemed& message)
{
    if (message.reason != Reason::none) return refuse_allowed(message.reason);
    if (message.credential.empty()) return refuse_allowed(Reason::credential_unavailable);
    auto const credential = Secret::copy_of(std::as_bytes(std::span(message.credential.str())));
    if (!credential) return refuse_allowed(Reason::credential_unavailable);
    auto found = CredentialPatterns::make(*credential);
    if (!found || !inject(pending, permit.header.view(), permit.format.view(), *credential))
        return refuse_allowed(Reason::credential_unavailable);
    patterns = *std::move(found);
    forward(wire::HttpRelay::Secret::carried);
    forget_injected(pending, permit.header.view());
}

void Exchange::Impl::forward(wire::HttpRelay::Secret secret)
{
    phase = Phase::forwarded;
    relay->forward(pending, authority(), secret, then());
}

void Exchange::Impl::refuse_allowed(Reason reason)
{
    phase = Phase::answered;
    done_reason = reason;
    relay->refuse(denied(reason, route), then());
}

void Exchange::Impl::refused(proto::RequestRefused const& message)
{
    if (over || phase != Phase::asked || message.request != RequestId{number}) return;
    phase = Phase::answered;
    auto const reason = message.reason == Reason::none ? Reason::not_allowed : message.reason;
    relay->refuse(denied(reason, route), then());
}

void Exchange::Impl::refuse_and_end(Reason reason, std::string_view word)
{
    end_reason = reason;
    end_word = word;
    phase = Phase::answered;
    relay->refuse(denied(reason, route, word), wire::HttpRelay::Then::close);
}

std::string Exchange::Impl::authority() const
{
    std::uint16_t const own = route.handling == proto::Handling::bump ? 443 : 80;
    std::string out = route.name.contains(':') ? '[' + route.name + ']' : route.name;
    if (route.port != own) (out += ':') += std::to_string(route.port);
    return out;
}

std::optional<wire::HttpResponse> Exchange::Impl::response(wire::RelayResponse& head)
{
    // What is said before an answer is not looked at by anybody: it goes on without its words.
    if (icap.shows_response() && head.status / 100 == 1) head.headers.clear();
    if (!patterns) return std::nullopt;
    std::vector<wire::HttpHeader> clean;
    for (auto& each : head.headers) {
        // It was asked to send its answer as it is; what it has coded all the same cannot be looked through.
        bool const coded = wire::same_name(each.name, "content-encoding") && !wire::same_name(each.value, "identity");
        if (coded && head.body.kind != wire::Framing::none) {
            done_reason = Reason::protocol_denied;
            return denied(Reason::protocol_denied, route, "content-encoding");
        }
        if (wire::same_name(each.name, "sec-websocket-extensions") || patterns->found_in(each.name)) continue;
        clean.push_back({each.name, patterns->redact(each.value)});
    }
    head.headers = std::move(clean);
    return std::nullopt;
}

std::unique_ptr<wire::BodyFilter> Exchange::Impl::filter(wire::RelayResponse const& head)
{
    if (!patterns) return nullptr;
    std::string_view type;
    for (auto const& each : head.headers)
        if (wire::same_name(each.name, "content-type")) type = each.value;
    return std::make_unique<Strip>(patterns, head.websocket || head.status == 206 ? Strip::Mode::filled : strip_mode(type));
}

// After everything was taken out of it that was put in (T-12).
bool Exchange::Impl::holds(wire::RelayResponse const& head)
{
    if (!icap.shows_response()) return false;
    auto const then = [this, asked = number](Reason reason, wire::RelayResponse const& next) {
        if (over || phase != Phase::forwarded || number != asked) return;
        if (reason == Reason::none) return relay->answer_with(next);
        done_reason = reason;
        relay->refuse_answer(denied(reason, route));
    };
    icap.show_response(shown, authority(), head, [this](auto adapter) { relay->adapt_response(std::move(adapter)); }, then);
    return true;
}

wire::HttpResponse Exchange::Impl::explain(wire::RelayFault fault)
{
    if (unverified != wire::TlsRefusal::none) {
        end_reason = Reason::upstream_unverified;
        end_word = name_of(unverified);
        return denied(end_reason, route, end_word);
    }
    if (fault == wire::RelayFault::adapter) done_reason = Reason::icap_unavailable;
    if (auto const reason = reason_of(fault); reason != Reason::none) return denied(reason, route, name_of(fault));
    if (fault != wire::RelayFault::timeout) return broken(Broke::upstream_gone, route);
    return broken(phase == Phase::forwarded ? Broke::upstream_late : Broke::request_late, route);
}

void Exchange::Impl::done(wire::RelayDone const& told)
{
    auto const keep = shared_from_this();
    patterns.reset();
    phase = Phase::none;
    if (!std::exchange(told_allowed, false)) return;
    calls.done({route.connection, RequestId{number}, static_cast<std::uint16_t>(told.status), done_reason, told.bytes_up, told.bytes_down});
}

void Exchange::Impl::ended(wire::RelayFault fault, wire::RelayTotals totals)
{
    auto const reason = end_reason != Reason::none ? end_reason : reason_of(fault);
    auto const word = !end_word.empty() || fault == wire::RelayFault::none ? end_word : name_of(fault);
    tell_ended(reason, word, totals);
}

void Exchange::Impl::tell_ended(Reason reason, std::string_view word, wire::RelayTotals totals)
{
    if (std::exchange(over, true)) return;
    auto const keep = shared_from_this();
    patterns.reset();
    calls.ended({route.connection, reason, totals.bytes_up, totals.bytes_down, {}}, word);
}

// Nothing is told from here on but the end, if anybody still listens.
void Exchange::Impl::stop()
{
    over = true;
    patterns.reset();
    bump.reset();
    if (relay) relay->cut();
}

void Exchange::Impl::cut()
{
    if (over) return;
    auto const totals = relay ? relay->totals() : wire::RelayTotals{};
    stop();
    loop.post([weak = weak_from_this(), totals] {
        auto const self = weak.lock();
        if (!self) return;
        self->over = false;
        self->tell_ended(Reason::none, "cut", totals);
    });
}

Exchange::Exchange(std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, UniqueFd guest, std::string already, UniqueFd upstream,
    ExchangeRoute route, Calls calls)
    : impl_(std::make_shared<Impl>(std::move(tools), loop, std::move(route), std::move(calls)))
{
    impl_->begin(std::move(guest), std::move(already), std::move(upstream));
}

Exchange::~Exchange() { impl_->stop(); }
void Exchange::allowed(proto::RequestAllowed const& message) { impl_->allowed(message); }
void Exchange::refused(proto::RequestRefused const& message) { impl_->refused(message); }
void Exchange::icap_opened(proto::IcapOpened const& message, UniqueFd socket)
{
    if (!impl_->over) impl_->icap.opened(message, std::move(socket));
}
void Exchange::icap_refused(proto::IcapRefused const& message)
{
    if (!impl_->over) impl_->icap.refused(message);
}
void Exchange::cut() { impl_->cut(); }

}  // namespace ocu::edge
