// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/request_flow.h"

#include <algorithm>

#include "edge/bump.h"
#include "edge/inject.h"
#include "edge/relay_refusal.h"

namespace ocu::edge {

using proto::Reason;

RequestFlow::RequestFlow(std::shared_ptr<ExchangeTools> tools, ExchangeRoute const& route, RequestId number, Calls calls, Showing showing)
    : tools_(std::move(tools)), route_(route), number_(number), calls_(std::move(calls)), showing_(std::move(showing))
{}

std::optional<RequestFlow::Unasked> RequestFlow::request(wire::RelayRequest const& head)
{
    // What the connection was opened for and what the request asks for are one host: a rule for one never opens the other.
    if (head.host != route_.name || (head.port != 0 && head.port != route_.port)) return Unasked{Reason::name_mismatch, "host"};
    if (head.path.size() > proto::kPathTextBytesMax) return Unasked{Reason::path_denied, "length"};
    pending_ = head;
    phase_ = Phase::asked;
    calls_.ask({route_.connection, number_, head.method, head.host, head.path});
    return std::nullopt;
}

void RequestFlow::allowed(proto::RequestAllowed const& message)
{
    if (phase_ != Phase::asked || message.request != number_) return;
    told_allowed_ = true;
    permit_ = message;
    // A connection that shows the certificate serves nothing else, and no other one shows it.
    if (message.client_certificate != route_.client_certificate || (message.client_certificate && !calls_.certify))
        return refuse_allowed(Reason::credential_unavailable);
    if (showing_.icap != nullptr) showing_.icap->begin(message.request, message.icap);
    // Nobody to show it to here; and what a WebSocket's frames carry would be shown to nobody.
    if (!message.icap.empty() && showing_.icap == nullptr) return refuse_allowed(Reason::icap_unavailable);
    if (!message.icap.empty() && pending_.websocket) return refuse_allowed(Reason::protocol_denied);
    if (lacks_token()) return refuse_allowed(Reason::scoped_token_missing);
    auto const& withheld = tools_->parts().withheld;
    if (withheld.overflow() && has_body(pending_)) return refuse_allowed(Reason::not_downloadable);
    if (has_body(pending_))
        if (auto form = form_of(pending_); needs_watch(form, withheld)) form_ = std::move(form);
    if (showing_.icap != nullptr && showing_.icap->shows_request()) return show_request();
    if (!form_) return go_on();
    phase_ = Phase::showing;
    calls_.adapt_request(watch(nullptr));
}

// Before an ICAP server sees it, which is asked what it says, not where it came from.
std::unique_ptr<wire::BodyAdapter> RequestFlow::watch(std::unique_ptr<wire::BodyAdapter> behind)
{
    withheld_ = std::make_shared<bool>(false);
    BodyWatch::Calls calls;
    calls.later = calls_.later;
    calls.decided = [weak = weak_from_this()](BodyWatch::Word word) {
        if (auto const self = weak.lock()) self->watched(word);
    };
    return std::make_unique<BodyWatch>(tools_->parts().withheld, *form_, std::move(behind), withheld_, std::move(calls));
}

void RequestFlow::watched(BodyWatch::Word word)
{
    bool const waits = phase_ == Phase::showing || phase_ == Phase::redeeming || phase_ == Phase::certifying;
    if (word == BodyWatch::Word::withheld && waits) return refuse_allowed(Reason::not_downloadable);
    // Nobody hears it; it is said so that the request ends.
    if (word == BodyWatch::Word::gone && waits) return refuse_allowed(Reason::none);
    // Where an ICAP server sees it, what that one says decides; once it is on its way, the relay finds it broken.
    if (word != BodyWatch::Word::may_begin || phase_ != Phase::showing || (showing_.icap != nullptr && showing_.icap->shows_request())) return;
    pending_.expects_continue = false;  // it has had its leave
    go_on();
}

Reason RequestFlow::adapter_failed()
{
    done_reason_ = is_withheld() ? Reason::not_downloadable : Reason::icap_unavailable;
    return done_reason_;
}

// A scoped token is where it belongs, if one does, and nowhere else.
bool RequestFlow::lacks_token() const
{
    auto const header = permit_.lease == 0 ? std::string_view{} : permit_.header.view();
    return has_stray_token(pending_, header) || (permit_.lease != 0 && !presented_token(pending_, header));
}

// Before anything is put into it: what the ICAP server sees holds no credential (T-12).
void RequestFlow::show_request()
{
    phase_ = Phase::showing;
    auto const then = [weak = weak_from_this()](Reason reason, wire::RelayRequest next) {
        auto const self = weak.lock();
        if (!self || self->phase_ != Phase::showing) return;
        if (reason != Reason::none) return self->refuse_allowed(reason);
        self->pending_ = std::move(next);
        self->go_on();
    };
    auto adapt = calls_.adapt_request;
    if (form_)
        adapt = [weak = weak_from_this()](std::unique_ptr<wire::BodyAdapter> adapter) {
            if (auto const self = weak.lock()) self->calls_.adapt_request(self->watch(std::move(adapter)));
        };
    showing_.icap->show_request(pending_, showing_.authority, std::move(adapt), then);
}

void RequestFlow::go_on()
{
    if (shows_response()) shown_ = pending_;
    if (lacks_token()) return refuse_allowed(Reason::scoped_token_missing);
    if (permit_.lease == 0) return forward(wire::HttpRelay::Secret::none);
    token_ = *presented_token(pending_, permit_.header.view());
    phase_ = Phase::redeeming;
    tools_->parts().custody.redeem(permit_.lease, token_, [weak = weak_from_this()](proto::Redeemed& answer) {
        if (auto const self = weak.lock(); self && self->phase_ == Phase::redeeming) self->redeemed(answer);
        auto credential = std::exchange(answer.credential, {}).take();
        wipe(std::as_writable_bytes(std::span(credential)));
    });
}

void RequestFlow::redeemed(proto::Redeemed& message)
{
    if (message.reason != Reason::none) return refuse_allowed(message.reason);
    if (message.credential.empty()) return refuse_allowed(Reason::credential_unavailable);
    if (permit_.client_certificate) {
        drop_presented(pending_, permit_.header.view());
        phase_ = Phase::certifying;
        return calls_.certify(permit_.lease, token_, message.credential.str());
    }
    auto const credential = Secret::copy_of(std::as_bytes(std::span(message.credential.str())));
    if (!credential) return refuse_allowed(Reason::credential_unavailable);
    auto found = CredentialPatterns::make(*credential);
    if (!found || !inject(pending_, permit_.header.view(), permit_.format.view(), *credential))
        return refuse_allowed(Reason::credential_unavailable);
    patterns_ = *std::move(found);
    forward(wire::HttpRelay::Secret::carried);
    forget_injected(pending_, permit_.header.view());
}

void RequestFlow::certified(Reason reason)
{
    if (phase_ != Phase::certifying) return;
    if (reason == Reason::none) return forward(wire::HttpRelay::Secret::none);
    phase_ = Phase::answered;
    done_reason_ = reason;
}

void RequestFlow::forward(wire::HttpRelay::Secret secret)
{
    phase_ = Phase::forwarded;
    calls_.forward(pending_, secret);
}

void RequestFlow::refuse_allowed(Reason reason)
{
    phase_ = Phase::answered;
    done_reason_ = reason;
    calls_.refuse(denied(reason, route_));
}

void RequestFlow::refused(proto::RequestRefused const& message)
{
    if (phase_ != Phase::asked || message.request != number_) return;
    phase_ = Phase::answered;
    auto const reason = message.reason == Reason::none ? Reason::not_allowed : message.reason;
    calls_.refuse(denied(reason, route_, {}, pending_.method, pending_.path));
}

std::vector<wire::HttpHeader> RequestFlow::clean(std::vector<wire::HttpHeader> const& headers) const
{
    std::vector<wire::HttpHeader> out;
    for (auto const& each : headers) {
        if (wire::same_name(each.name, "sec-websocket-extensions") || patterns_->found_in(each.name)) continue;
        out.push_back({each.name, patterns_->redact(each.value)});
    }
    return out;
}

std::optional<wire::HttpResponse> RequestFlow::response(wire::RelayResponse& head)
{
    // What is said before an answer is not looked at by anybody: it goes on without its words.
    if (shows_response() && head.status / 100 == 1) head.headers.clear();
    if (!patterns_) return std::nullopt;
    // It was asked to send its answer as it is; what it has coded all the same cannot be looked through.
    for (auto const& each : head.headers) {
        bool const coded = wire::same_name(each.name, "content-encoding") && !wire::same_name(each.value, "identity");
        if (!coded || head.body.kind == wire::Framing::none) continue;
        done_reason_ = Reason::protocol_denied;
        return denied(Reason::protocol_denied, route_, "content-encoding");
    }
    head.headers = clean(head.headers);
    return std::nullopt;
}

std::unique_ptr<wire::BodyFilter> RequestFlow::filter(wire::RelayResponse const& head)
{
    if (!patterns_) return nullptr;
    std::string_view type;
    for (auto const& each : head.headers)
        if (wire::same_name(each.name, "content-type")) type = each.value;
    return std::make_unique<Strip>(patterns_, head.websocket || head.status == 206 ? Strip::Mode::filled : strip_mode(type));
}

// After everything was taken out of it that was put in (T-12).
bool RequestFlow::holds(wire::RelayResponse const& head)
{
    if (!shows_response()) return false;
    auto const then = [weak = weak_from_this()](Reason reason, wire::RelayResponse const& next) {
        auto const self = weak.lock();
        if (!self || self->phase_ != Phase::forwarded) return;
        if (reason == Reason::none) return self->calls_.answer_with(next);
        self->done_reason_ = reason;
        self->calls_.refuse_answer(denied(reason, self->route_));
    };
    showing_.icap->show_response(shown_, showing_.authority, head, calls_.adapt_response, then);
    return true;
}

bool RequestFlow::request_trailers(std::vector<wire::HttpHeader> const& trailers)
{
    wire::RelayRequest only;
    only.headers = trailers;
    if (!has_stray_token(only, {})) return true;
    done_reason_ = Reason::scoped_token_missing;
    return false;
}

void RequestFlow::response_trailers(std::vector<wire::HttpHeader>& trailers) const
{
    if (patterns_) trailers = clean(trailers);
}

std::optional<proto::RequestDone> RequestFlow::done(wire::RelayDone const& told)
{
    patterns_.reset();
    phase_ = Phase::none;
    if (!std::exchange(told_allowed_, false)) return std::nullopt;
    if (done_reason_ == Reason::none && is_withheld()) done_reason_ = Reason::not_downloadable;
    return proto::RequestDone{
        route_.connection, number_, static_cast<std::uint16_t>(told.status), done_reason_, told.bytes_up, told.bytes_down};
}

void RequestFlow::stop()
{
    phase_ = Phase::none;
    told_allowed_ = false;
    patterns_.reset();
}

}  // namespace ocu::edge
