// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/dialler.h"

#include <sys/socket.h>

#include "edge/dial_socket.h"
#include "edge/host_name.h"

namespace ocu::edge {

namespace {

using proto::DialFailure;

wire::Text<45> text(Address const& address) { return wire::Text<45>(text_of(address)); }

}  // namespace

Result<void> Dialler::dial(proto::Dial asked)
{
    auto const request = asked.request;
    if (asked.name.empty() == asked.address.empty() || asked.port == 0 || dials_.contains(request))
        return fail(Fault::malformed, "not a dial that can be meant");
    if (dials_.size() == kDialsMax) {
        told_.failed({request, DialFailure::over_limit, {}, 0});
        return {};
    }
    auto& dial = dials_[request];
    dial.asked = std::move(asked);
    dial.serial = ++serials_;
    dial.deadline = loop_.after(kDialWait, [this, request] { fail_dial(request, DialFailure::timed_out); });
    if (!dial.asked.address.empty()) {
        auto const address = parse_address(dial.asked.address.view());
        address ? judge(request, {*address}) : fail_dial(request, DialFailure::denied);
    } else if (!is_host_name(dial.asked.name.view())) {
        fail_dial(request, DialFailure::no_such_name);
    } else if (proxy_resolves(proxy_, dial.asked)) {
        dial.asked.connect ? go_by_proxy(request) : tell_judged(request, {});
    } else {
        auto const name = dial.asked.name.str();
        names_.ask(name, [this, request, serial = dial.serial](Names::Answer answer) { resolved(request, serial, answer); });
    }
    return {};
}

void Dialler::resolved(RequestId request, std::uint64_t serial, Names::Answer const& answer)
{
    auto const found = dials_.find(request);
    if (found == dials_.end() || found->second.serial != serial) return;
    switch (answer.outcome) {
    case Names::Outcome::found: return judge(request, answer.addresses);
    case Names::Outcome::no_such_name: return fail_dial(request, DialFailure::no_such_name);
    case Names::Outcome::failed: return fail_dial(request, DialFailure::resolver_failed);
    case Names::Outcome::over_limit: return fail_dial(request, DialFailure::over_limit);
    }
}

void Dialler::judge(RequestId request, std::vector<Address> const& addresses)
{
    auto& dial = dials_.at(request);
    if (!dial.asked.connect) return tell_judged(request, addresses);
    dial.plan = plan_dial(addresses, dial.asked.ranges.items());
    try_next(request);
}

// The same judgement, of each address, and nothing is sent to any of them.
void Dialler::tell_judged(RequestId request, std::vector<Address> const& addresses)
{
    auto const ended = dials_.extract(request);
    auto const& asked = ended.mapped().asked;
    auto const& ranges = asked.ranges.items();
    proto::DialJudged told{request, {}};
    for (auto const& address : std::span(addresses).first(std::min(addresses.size(), kAddressesMax))) {
        bool const own = !named_exactly(address, ranges) && is_own(address);
        auto const what = own ? "this machine" : not_public(address).value_or("");
        bool const way = asked.direct || goes_direct(proxy_, address) || may_go_by_proxy(address);
        told.addresses.push({text(address), wire::Text<32>::cut(what), may_dial(address, ranges) && !own && way});
    }
    told_.judged(std::move(told));
}

void Dialler::try_next(RequestId request)
{
    auto& dial = dials_.at(request);
    while (dial.next < dial.plan.permitted.size()) {
        auto const& address = dial.plan.permitted[dial.next++];
        // T-05: behind its own addresses this machine keeps what it offers to itself alone.
        if (!named_exactly(address, dial.asked.ranges.items()) && is_own(address)) continue;
        if (!dial.asked.direct && !goes_direct(proxy_, address)) {
            if (may_go_by_proxy(address)) return go_by_proxy(request);
            continue;
        }
        dial.socket = begin_connection(address, dial.asked.port);
        if (dial.socket) return watch(request, dial);
        dial.failure = DialFailure::unreachable;
    }
    fail_dial(request, dial.failure);
}

void Dialler::watch(RequestId request, Dial& dial)
{
    dial.connected = loop_.on_writable(dial.socket.get(), [this, request] { settle(request); });
    dial.patience = loop_.after(kAddressWait, [this, request] { give_up_address(request, DialFailure::timed_out); });
}

void Dialler::settle(RequestId request)
{
    int error = 0;
    socklen_t size = sizeof error;
    bool const known = ::getsockopt(dials_.at(request).socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0;
    if (known && error == 0) return dials_.at(request).by_proxy ? ask_proxy(request) : succeed(request);
    give_up_address(request, error == ETIMEDOUT ? DialFailure::timed_out : DialFailure::unreachable);
}

void Dialler::give_up_address(RequestId request, DialFailure failure)
{
    auto& dial = dials_.at(request);
    bool const proxy_is_silent = dial.by_proxy && !dial.tunnel;
    dial.connected.reset();
    dial.patience.reset();
    dial.tunnel.reset();
    dial.socket.reset();
    if (proxy_is_silent) return try_proxy(request);
    dial.failure = failure;
    dial.by_proxy = false;
    try_next(request);
}

void Dialler::fail_dial(RequestId request, DialFailure failure)
{
    auto const ended = dials_.extract(request);
    proto::DialFailed failed{request, failure, {}, 0};
    if (failure == DialFailure::proxy_refused) failed.status = ended.mapped().status;
    if (auto const& first = ended.mapped().plan.first) failed.address = text(*first);
    told_.failed(std::move(failed));
}

void Dialler::succeed(RequestId request)
{
    auto ended = dials_.extract(request);
    auto& dial = ended.mapped();
    dial.connected.reset();  // with its duplicate of the socket
    auto const address = dial.plan.permitted.empty() ? wire::Text<45>() : text(dial.plan.permitted[dial.next - 1]);
    told_.dialled({request, address}, std::move(dial.socket));
}

}  // namespace ocu::edge
