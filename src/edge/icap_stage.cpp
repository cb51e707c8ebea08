// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/icap_stage.h"

namespace ocu::edge {

using proto::IcapSide;
using proto::Reason;

namespace {

constexpr std::string_view kScheme = "icap://";

bool has_body(wire::BodyFraming const& body) { return body.kind != wire::Framing::none && body != wire::BodyFraming{wire::Framing::length, 0}; }

// A rule let through what was asked; who looks at it may change what it carries, and not what it is.
bool is_same(wire::RelayRequest const& one, wire::RelayRequest const& other)
{
    return one.method == other.method && one.host == other.host && one.path == other.path && !other.websocket;
}

Reason judge(wire::IcapVerdict const& verdict)
{
    if (verdict.kind == wire::IcapVerdict::Kind::unusable) return Reason::icap_unavailable;
    return verdict.found ? Reason::icap_denied : Reason::none;
}

}  // namespace

IcapStage::~IcapStage()
{
    for (auto& each : sides_)
        if (each.spare) each.spare->end();
}

void IcapStage::begin(RequestId request, proto::IcapOrder order)
{
    request_ = request;
    order_ = std::move(order);
    limits_.preview_bytes = order_.preview_bytes;
    for (auto& each : sides_) each.waiting = nullptr;
}

wire::IcapService IcapStage::service(IcapSide side) const
{
    auto const& uri = side == IcapSide::request ? order_.request.str() : order_.response.str();
    auto const host = std::string_view(uri).substr(std::min(kScheme.size(), uri.size()));
    return {uri, std::string(host.substr(0, host.find('/')))};
}

// With the whole URL as its target, as proxies send it and ICAP servers expect it: lists of URLs are looked up by it.
std::string IcapStage::shown_head(wire::RelayRequest request, std::string_view authority) const
{
    request.path.insert(0, std::string(wire::prefix_of(scheme_)).append(authority));
    return print_request_head(request, authority);
}

void IcapStage::show_request(wire::RelayRequest const& request, std::string_view authority, Adapt adapt,
    std::function<void(Reason, wire::RelayRequest)> then)
{
    auto original = request;
    original.expects_continue = false;
    wire::IcapQuestion question{
        wire::IcapMethod::reqmod, service(IcapSide::request), shown_head(original, authority), {}, has_body(original.body), scheme_};
    auto decided = [original, then](wire::IcapVerdict verdict) {
        auto reason = judge(verdict);
        if (reason == Reason::none && verdict.kind == wire::IcapVerdict::Kind::response) reason = Reason::icap_denied;
        auto next = original;
        if (reason == Reason::none && verdict.kind == wire::IcapVerdict::Kind::request) {
            if (!is_same(original, verdict.request)) return then(Reason::icap_unavailable, {});
            next.headers = std::move(verdict.request.headers);
            next.query = std::move(verdict.request.query);
            next.body = verdict.request.body;
        }
        then(reason, std::move(next));
    };
    connect(IcapSide::request, [this, question = std::move(question), adapt = std::move(adapt), then, decided](auto connection) {
        if (!connection) return then(Reason::icap_unavailable, {});
        adapt(adapter(IcapSide::request, std::move(connection), question, {}, decided));
    });
}

void IcapStage::show_response(wire::RelayRequest const& asked, std::string_view authority, wire::RelayResponse const& response, Adapt adapt,
    std::function<void(Reason, wire::RelayResponse)> then)
{
    auto shown = response;
    // How long it is, if that is known; how it is cut for one hop is nobody else's business.
    if (shown.body.kind != wire::Framing::length) shown.body = {};
    auto question_of_it = asked;
    question_of_it.body = {};
    wire::IcapQuestion question{wire::IcapMethod::respmod, service(IcapSide::response), shown_head(std::move(question_of_it), authority),
        print_response_head(shown, wire::Goes::on), has_body(response.body), scheme_};
    auto decided = [response, then](wire::IcapVerdict verdict) {
        auto reason = judge(verdict);
        if (reason != Reason::none || verdict.kind == wire::IcapVerdict::Kind::as_it_is) return then(reason, response);
        bool const replaced = verdict.response.status != response.status && verdict.response.status / 100 != 2;
        then(replaced ? Reason::icap_denied : Reason::none, std::move(verdict.response));
    };
    wire::Asked const how{asked.method == "HEAD", false};
    connect(IcapSide::response, [this, question = std::move(question), how, adapt = std::move(adapt), then, decided](auto connection) {
        if (!connection) return then(Reason::icap_unavailable, {});
        adapt(adapter(IcapSide::response, std::move(connection), question, how, decided));
    });
}

std::unique_ptr<wire::BodyAdapter> IcapStage::adapter(IcapSide side, std::shared_ptr<wire::IcapConnection> connection,
    wire::IcapQuestion question, wire::Asked asked, std::function<void(wire::IcapVerdict)> decided)
{
    auto spare = [this, side, host = question.service.host, weak = std::weak_ptr(alive_)](std::shared_ptr<wire::IcapConnection> left) {
        if (weak.expired()) return left->end();
        if (at(side).spare) at(side).spare->end();
        at(side).spare = std::move(left);
        at(side).spare_host = host;
    };
    return std::make_unique<wire::IcapAdapter>(
        loop_, std::move(connection), std::move(question), asked, limits_, wire::IcapAdapter::Calls{std::move(decided), std::move(spare)});
}

void IcapStage::connect(IcapSide side, Connected then)
{
    auto& place = at(side);
    place.waiting = std::move(then);
    place.asked_for = request_;
    auto spare = std::exchange(place.spare, nullptr);
    if (spare && place.spare_host == service(side).host && spare->is_usable()) {
        loop_.post([this, side, request = request_, spare, weak = std::weak_ptr(alive_)] {
            if (weak.expired()) return spare->end();
            connected(side, request, spare);
        });
        return;
    }
    if (spare) spare->end();
    ask_({route_, request_, side});
}

void IcapStage::connected(IcapSide side, RequestId request, std::shared_ptr<wire::IcapConnection> connection)
{
    auto& place = at(side);
    auto const then = request == place.asked_for ? std::exchange(place.waiting, nullptr) : nullptr;
    if (then) return then(std::move(connection));
    if (connection) connection->end();
}

void IcapStage::opened(proto::IcapOpened const& message, UniqueFd socket)
{
    connected(message.side, message.request, std::make_shared<wire::IcapConnection>(wire::plain_transport(loop_, std::move(socket))));
}

void IcapStage::refused(proto::IcapRefused const& message) { connected(message.side, message.request, nullptr); }

}  // namespace ocu::edge
