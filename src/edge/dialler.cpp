// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/dialler.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "edge/host_name.h"

namespace ocu::edge {

namespace {

using proto::DialFailure;

struct SocketAddress {
    SocketAddress(Address const& address, std::uint16_t port)
    {
        if (is_ipv4(address)) {
            auto* const four = reinterpret_cast<sockaddr_in*>(&storage);
            four->sin_family = AF_INET;
            four->sin_port = htons(port);
            std::memcpy(&four->sin_addr, address.data() + 12, 4);
            size = sizeof *four;
        } else {
            auto* const six = reinterpret_cast<sockaddr_in6*>(&storage);
            six->sin6_family = AF_INET6;
            six->sin6_port = htons(port);
            std::memcpy(&six->sin6_addr, address.data(), address.size());
            size = sizeof *six;
        }
    }
    sockaddr const* get() const { return reinterpret_cast<sockaddr const*>(&storage); }

    sockaddr_storage storage{};
    socklen_t size = 0;
};

UniqueFd make_socket(Address const& address, int type)
{
    return UniqueFd(::socket(is_ipv4(address) ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Whether packets to it would stay here: what a connected datagram socket takes as its own address says so, and nothing is sent.
bool is_own(Address const& address)
{
    if (auto const what = not_public(address); what == "loopback" || what == "this network") return true;
    SocketAddress const there(address, 9);
    UniqueFd const probe = make_socket(address, SOCK_DGRAM);
    if (!probe || ::connect(probe.get(), there.get(), there.size) != 0) return false;  // no way there, so it is not here
    sockaddr_storage here{};
    socklen_t size = sizeof here;
    if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0) return true;
    if (is_ipv4(address)) return std::memcmp(&reinterpret_cast<sockaddr_in const&>(here).sin_addr, address.data() + 12, 4) == 0;
    return std::memcmp(&reinterpret_cast<sockaddr_in6 const&>(here).sin6_addr, address.data(), address.size()) == 0;
}

wire::Text<45> text(Address const& address) { return wire::Text<45>(text_of(address)); }

}  // namespace

Result<void> Dialler::dial(proto::Dial asked)
{
    auto const request = asked.request;
    if (asked.name.empty() == asked.address.empty() || asked.port == 0 || dials_.contains(request))
        return fail(Fault::malformed, "not a dial that can be meant");
    if (dials_.size() == kDialsMax) {
        told_.failed({request, DialFailure::over_limit, {}});
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
    auto const ranges = ended.mapped().asked.ranges.items();
    proto::DialJudged told{request, {}};
    for (auto const& address : std::span(addresses).first(std::min(addresses.size(), kAddressesMax))) {
        bool const own = !named_exactly(address, ranges) && is_own(address);
        auto const what = own ? "this machine" : not_public(address).value_or("");
        told.addresses.push({text(address), wire::Text<32>::cut(what), may_dial(address, ranges) && !own});
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
        if (start(dial, address)) return watch(request, dial);
        dial.failure = DialFailure::unreachable;
    }
    fail_dial(request, dial.failure);
}

// Whether the connection is on its way.
bool Dialler::start(Dial& dial, Address const& address)
{
    SocketAddress const there(address, dial.asked.port);
    dial.socket = make_socket(address, SOCK_STREAM);
    int const on = 1;
    if (!dial.socket || ::setsockopt(dial.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return false;
    return ::connect(dial.socket.get(), there.get(), there.size) == 0 || errno == EINPROGRESS;
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
    if (known && error == 0) return succeed(request);
    give_up_address(request, error == ETIMEDOUT ? DialFailure::timed_out : DialFailure::unreachable);
}

void Dialler::give_up_address(RequestId request, DialFailure failure)
{
    auto& dial = dials_.at(request);
    dial.failure = failure;
    dial.connected.reset();
    dial.patience.reset();
    dial.socket.reset();
    try_next(request);
}

void Dialler::fail_dial(RequestId request, DialFailure failure)
{
    auto const ended = dials_.extract(request);
    proto::DialFailed failed{request, failure, {}};
    if (auto const& first = ended.mapped().plan.first) failed.address = text(*first);
    told_.failed(std::move(failed));
}

void Dialler::succeed(RequestId request)
{
    auto ended = dials_.extract(request);
    auto& dial = ended.mapped();
    dial.connected.reset();  // with its duplicate of the socket
    told_.dialled({request, text(dial.plan.permitted[dial.next - 1])}, std::move(dial.socket));
}

}  // namespace ocu::edge
