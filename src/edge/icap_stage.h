// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What an exchange does about ICAP (EG-11): connections to the server, one for each side at a time, asked of the thread and used again where
// the server keeps them; what is shown; and what an answer means. A request is shown before anything is injected, an answer after it was
// stripped: what the ICAP server sees has the guest's scoped token at most (T-12).
//
//     reason none             goes on, as it is or as the server changed it
//     icap_denied             the server answered in the upstream's place, replaced an answer by an error, or says that it found something
//     icap_unavailable        there is no connection, or what it says cannot be used; also a request turned into another one: rules are for
//                             the method, host and path that were judged
//
// Threading: the loop's thread. Neither `adapt` nor `then` is called from within a call.

#include <array>
#include <functional>
#include <memory>

#include "base/id.h"
#include "proto/edge_helper_to_edge.h"
#include "wire/icap_adapter.h"

namespace ocu::edge {

class IcapStage {
public:
    using Adapt = std::function<void(std::unique_ptr<wire::BodyAdapter>)>;

    IcapStage(wire::Loop& loop, ConnectionId route, wire::Scheme scheme, std::function<void(proto::IcapAsked)> ask, wire::IcapLimits limits = {})
        : loop_(loop), route_(route), scheme_(scheme), ask_(std::move(ask)), limits_(limits)
    {}
    ~IcapStage();
    IcapStage(IcapStage const&) = delete;
    IcapStage& operator=(IcapStage const&) = delete;

    // For the request that follows; what was shown for the one before is forgotten.
    void begin(RequestId request, proto::IcapOrder order);
    bool shows_request() const { return !order_.request.empty(); }
    bool shows_response() const { return !order_.response.empty(); }

    // `then` gets the head that goes on, with its framing.
    void show_request(wire::RelayRequest const& request, std::string_view authority, Adapt adapt,
        std::function<void(proto::Reason, wire::RelayRequest)> then);
    // `asked`: as it went on, before anything was put into it.
    void show_response(wire::RelayRequest const& asked, std::string_view authority, wire::RelayResponse const& response, Adapt adapt,
        std::function<void(proto::Reason, wire::RelayResponse)> then);

    // What the thread says. An answer that nobody waits for is dropped.
    void opened(proto::IcapOpened const& message, UniqueFd socket);
    void refused(proto::IcapRefused const& message);

private:
    using Connected = std::function<void(std::shared_ptr<wire::IcapConnection>)>;
    struct Side {
        std::shared_ptr<wire::IcapConnection> spare;
        std::string spare_host;
        RequestId asked_for;
        Connected waiting;
    };

    void connect(proto::IcapSide side, Connected then);
    void connected(proto::IcapSide side, RequestId request, std::shared_ptr<wire::IcapConnection> connection);
    std::string shown_head(wire::RelayRequest request, std::string_view authority) const;
    wire::IcapService service(proto::IcapSide side) const;
    std::unique_ptr<wire::BodyAdapter> adapter(proto::IcapSide side, std::shared_ptr<wire::IcapConnection> connection,
        wire::IcapQuestion question, wire::Asked asked, std::function<void(wire::IcapVerdict)> decided);
    Side& at(proto::IcapSide side) { return sides_[static_cast<std::size_t>(side)]; }

    wire::Loop& loop_;
    ConnectionId route_;
    wire::Scheme scheme_;
    std::function<void(proto::IcapAsked)> ask_;
    wire::IcapLimits limits_;
    RequestId request_;
    proto::IcapOrder order_;
    std::array<Side, 2> sides_;
    std::shared_ptr<char const> alive_ = std::make_shared<char const>('\0');  // weakly with what is posted
};

}  // namespace ocu::edge
