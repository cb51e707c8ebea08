// SPDX-License-Identifier: GPL-3.0-or-later
// A dial by the customer's proxy: found, connected to, and asked for a tunnel to what was judged. It fails closed: nothing here goes on
// without the proxy.

#include "edge/dial_socket.h"
#include "edge/dialler.h"

namespace ocu::edge {

namespace {

using proto::DialFailure;

// The proxy did what it could, and the destination did not answer it: the name's next address may.
bool is_of_destination(unsigned status) { return status == 502 || status == 503 || status == 504; }

}  // namespace

void Dialler::go_by_proxy(RequestId request)
{
    auto& dial = dials_.at(request);
    dial.by_proxy = true;
    dial.next_proxy = 0;
    if (!dial.proxies.empty()) return try_proxy(request);
    if (proxy_.address.empty()) {
        names_.ask(
            proxy_.name.str(), [this, request, serial = dial.serial](Names::Answer answer) { proxy_found(request, serial, answer); });
        return;
    }
    if (auto const address = parse_address(proxy_.address.view())) dial.proxies.push_back(*address);
    try_proxy(request);
}

void Dialler::proxy_found(RequestId request, std::uint64_t serial, Names::Answer const& answer)
{
    auto const found = dials_.find(request);
    if (found == dials_.end() || found->second.serial != serial) return;
    if (answer.outcome == Names::Outcome::over_limit) return fail_dial(request, DialFailure::over_limit);
    for (auto const& address : answer.addresses)
        if (may_be_proxy(proxy_, address) && !is_own(address)) found->second.proxies.push_back(address);
    try_proxy(request);
}

void Dialler::try_proxy(RequestId request)
{
    auto& dial = dials_.at(request);
    while (dial.next_proxy < dial.proxies.size()) {
        dial.socket = begin_connection(dial.proxies[dial.next_proxy++], proxy_.port);
        if (dial.socket) return watch(request, dial);
    }
    fail_dial(request, DialFailure::proxy_unreachable);
}

void Dialler::ask_proxy(RequestId request)
{
    auto& dial = dials_.at(request);
    dial.connected.reset();
    dial.patience = loop_.after(kProxyWait, [this, request] { give_up_address(request, DialFailure::timed_out); });
    bool const by_name = dial.plan.permitted.empty();
    auto const host = by_name ? dial.asked.name.str() : text_of(dial.plan.permitted[dial.next - 1]);
    dial.tunnel.emplace(
        loop_, dial.socket.get(), tunnel_request(host, dial.asked.port), [this, request](ProxySaid said) { proxy_said(request, said); });
}

void Dialler::proxy_said(RequestId request, ProxySaid said)
{
    switch (said.kind) {
    case ProxySaid::Kind::tunnel: return succeed(request);
    case ProxySaid::Kind::malformed: return fail_dial(request, DialFailure::proxy_malformed);
    case ProxySaid::Kind::gone: return fail_dial(request, DialFailure::proxy_unreachable);
    case ProxySaid::Kind::refused: break;
    }
    dials_.at(request).status = static_cast<std::uint16_t>(said.status);
    is_of_destination(said.status) ? give_up_address(request, DialFailure::proxy_refused) : fail_dial(request, DialFailure::proxy_refused);
}

}  // namespace ocu::edge
