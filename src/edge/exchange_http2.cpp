// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/exchange_http2.h"

#include "edge/relay_refusal.h"

namespace ocu::edge {

using proto::Reason;
using wire::Http2StreamId;

Http2Exchange::Http2Exchange(
    std::shared_ptr<ExchangeTools> tools, ExchangeRoute route, std::string authority, RequestFlow::Unasked unverified, Calls calls)
    : tools_(std::move(tools)), route_(std::move(route)), authority_(std::move(authority)), unverified_(unverified),
      calls_(std::move(calls))
{}

void Http2Exchange::start(wire::Loop& loop, std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream)
{
    relay_.emplace(loop, std::move(guest), std::move(upstream), wire::RelayLimits{}, *this);
}

void Http2Exchange::request(Http2StreamId stream, wire::RelayRequest const& head)
{
    auto const keep = shared_from_this();
    if (unverified_.reason != Reason::none) return refuse_and_end(stream, unverified_);
    last_ = RequestId{last_.value + 1};
    RequestFlow::Calls calls;
    calls.ask = calls_.ask;
    calls.forward = [this, stream](wire::RelayRequest const& request, wire::HttpRelay::Secret secret) {
        relay_->forward(stream, request, authority_, secret);
    };
    calls.refuse = [this, stream](wire::HttpResponse const& response) { relay_->refuse(stream, response); };
    calls.later = calls_.later;
    calls.adapt_request = [this, stream](std::unique_ptr<wire::BodyAdapter> adapter) { relay_->adapt_request(stream, std::move(adapter)); };
    auto const flow = std::make_shared<RequestFlow>(tools_, route_, last_, std::move(calls), RequestFlow::Showing{});
    flows_[stream] = flow;
    streams_[last_] = stream;
    if (auto const why = flow->request(head)) refuse_and_end(stream, *why);
}

void Http2Exchange::refuse_and_end(Http2StreamId stream, RequestFlow::Unasked why)
{
    if (end_.reason == Reason::none) end_ = why;
    relay_->refuse(stream, denied(why.reason, route_, why.word), wire::HttpRelay::Then::close);
}

RequestFlow* Http2Exchange::find(Http2StreamId stream)
{
    auto const found = flows_.find(stream);
    return found == flows_.end() ? nullptr : found->second.get();
}

RequestFlow* Http2Exchange::find(RequestId number)
{
    auto const found = streams_.find(number);
    return found == streams_.end() ? nullptr : find(found->second);
}

void Http2Exchange::allowed(proto::RequestAllowed const& message)
{
    if (auto* const flow = find(message.request)) flow->allowed(message);
}

void Http2Exchange::refused(proto::RequestRefused const& message)
{
    if (auto* const flow = find(message.request)) flow->refused(message);
}

std::optional<wire::HttpResponse> Http2Exchange::response(Http2StreamId stream, wire::RelayResponse& head)
{
    auto* const flow = find(stream);
    return flow == nullptr ? std::nullopt : flow->response(head);
}

std::unique_ptr<wire::BodyFilter> Http2Exchange::filter(Http2StreamId stream, wire::RelayResponse const& head)
{
    auto* const flow = find(stream);
    return flow == nullptr ? nullptr : flow->filter(head);
}

wire::HttpResponse Http2Exchange::explain(Http2StreamId stream, wire::RelayFault fault)
{
    if (unverified_.reason != Reason::none) {
        end_ = unverified_;
        return denied(end_.reason, route_, end_.word);
    }
    auto* const flow = find(stream);
    if (fault == wire::RelayFault::adapter && flow != nullptr) return denied(flow->adapter_failed(), route_);
    if (auto const reason = reason_of(fault); reason != Reason::none) return denied(reason, route_, name_of(fault));
    bool const late = fault == wire::RelayFault::timeout;
    if (!late || flow == nullptr) return broken(Broke::upstream_gone, route_);
    return broken(flow->forwarded() ? Broke::upstream_late : Broke::request_late, route_);
}

bool Http2Exchange::request_trailers(Http2StreamId stream, wire::Http2Fields const& trailers)
{
    auto* const flow = find(stream);
    return flow == nullptr || flow->request_trailers(trailers);
}

void Http2Exchange::response_trailers(Http2StreamId stream, wire::Http2Fields& trailers)
{
    if (auto* const flow = find(stream)) flow->response_trailers(trailers);
}

void Http2Exchange::done(Http2StreamId stream, wire::RelayDone const& told)
{
    auto const keep = shared_from_this();
    auto* const flow = find(stream);
    if (flow == nullptr) return;
    auto const message = flow->done(told);
    streams_.erase(flow->number());
    flows_.erase(stream);
    if (message) calls_.done(*message);
}

void Http2Exchange::ended(wire::RelayFault fault, wire::RelayTotals totals)
{
    auto const keep = shared_from_this();
    auto const reason = end_.reason != Reason::none ? end_.reason : reason_of(fault);
    auto const word = end_.reason != Reason::none || fault == wire::RelayFault::none ? end_.word : name_of(fault);
    flows_.clear();
    calls_.ended(reason, word, totals);
}

void Http2Exchange::cut()
{
    flows_.clear();
    streams_.clear();
    if (relay_) relay_->cut();
}

}  // namespace ocu::edge
