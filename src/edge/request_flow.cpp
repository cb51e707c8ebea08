// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/request_flow.h"

#include <algorithm>

#include "edge/bump.h"
#include "edge/inject.h"
#include "edge/relay_refusal.h"

namespace ocu::edge {

using proto::Reason;

RequestFlow::RequestFlow(std::shared_ptr<ExchangeTools> tools, ExchangeRoute const& route, RequestId number, Calls calls)
    : tools_(std::move(tools)), route_(route), number_(number), calls_(std::move(calls))
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
    if (message.lease == 0) {
        if (has_stray_token(pending_, {})) return refuse_allowed(Reason::scoped_token_missing);
        return forward(wire::HttpRelay::Secret::none);
    }
    auto const presented = presented_token(pending_, message.header.view());
    if (!presented || has_stray_token(pending_, message.header.view())) return refuse_allowed(Reason::scoped_token_missing);
    token_ = *presented;
    phase_ = Phase::redeeming;
    tools_->parts().custody.redeem(message.lease, token_, [weak = weak_from_this()](proto::Redeemed& answer) {
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
