// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Turns "dial this" into a connected socket or the reason why not (EG-3, EG-4). Every address is judged when it is about to be dialled, and
// the socket is connected to exactly the one that was judged: what a resolver says later changes nothing (rebinding). Of a mixture of
// permitted and denied addresses only the permitted are tried. With a chained proxy (EG-9), what is judged is what it is told, and no failure
// of the proxy's makes anything be dialled without it. Threading: the loop's thread.

#include <chrono>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/unique_fd.h"
#include "edge/chained_proxy.h"
#include "edge/dial_plan.h"
#include "edge/names.h"
#include "edge/proxy_tunnel.h"
#include "proto/edge_to_uplink.h"

namespace ocu::edge {

inline constexpr std::size_t kDialsMax = 512;
inline constexpr std::chrono::milliseconds kAddressWait{5'000};  // for one address
inline constexpr std::chrono::milliseconds kProxyWait{10'000};  // for the whole of a proxy's answer
inline constexpr std::chrono::milliseconds kDialWait{15'000};  // in all, with resolving

class Dialler {
public:
    struct Told {
        std::function<void(proto::Dialled, UniqueFd)> dialled;
        std::function<void(proto::DialFailed)> failed;
        std::function<void(proto::DialJudged)> judged;
    };

    Dialler(wire::Loop& loop, Names& names, proto::ChainedProxy proxy, Told told)
        : loop_(loop), names_(names), proxy_(std::move(proxy)), told_(std::move(told))
    {}
    Dialler(Dialler const&) = delete;
    Dialler& operator=(Dialler const&) = delete;

    // Told once, perhaps before this returns, unless it is cancelled. Errors: malformed (neither name nor address or both, no port, the
    // number of a dial that is under way): the asker is not sane.
    Result<void> dial(proto::Dial asked);
    // Nothing is told of it any more. One that is not under way is ignored: the answer crossed this.
    void cancel(RequestId request) { dials_.erase(request); }

private:
    struct Dial {
        proto::Dial asked;
        std::uint64_t serial = 0;  // an answer for a cancelled one is not taken for its successor's
        DialPlan plan;
        std::size_t next = 0;
        proto::DialFailure failure = proto::DialFailure::denied;
        UniqueFd socket;
        wire::Watch connected;
        wire::Watch patience;
        wire::Watch deadline;
        // By the proxy: dialler_proxy.cpp.
        bool by_proxy = false;  // the connection that is under way is one to it
        std::vector<Address> proxies;  // where it is, once that is known
        std::size_t next_proxy = 0;
        std::optional<ProxyTunnel> tunnel;  // connected, and waiting for its word
        std::uint16_t status = 0;
    };

    void resolved(RequestId request, std::uint64_t serial, Names::Answer const& answer);
    void judge(RequestId request, std::vector<Address> const& addresses);
    void tell_judged(RequestId request, std::vector<Address> const& addresses);
    void try_next(RequestId request);
    void watch(RequestId request, Dial& dial);
    void settle(RequestId request);
    void give_up_address(RequestId request, proto::DialFailure failure);
    void fail_dial(RequestId request, proto::DialFailure failure);
    void succeed(RequestId request);
    void go_by_proxy(RequestId request);
    void proxy_found(RequestId request, std::uint64_t serial, Names::Answer const& answer);
    void try_proxy(RequestId request);
    void ask_proxy(RequestId request);
    void proxy_said(RequestId request, ProxySaid said);

    wire::Loop& loop_;
    Names& names_;
    proto::ChainedProxy proxy_;
    Told told_;
    std::unordered_map<RequestId, Dial> dials_;
    std::uint64_t serials_ = 0;
};

}  // namespace ocu::edge
