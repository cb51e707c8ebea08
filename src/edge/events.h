// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the edge puts on record, as values. Pure.

#include "edge/session.h"
#include "proto/any_to_audit.h"

namespace ocu::edge {

// Texts of a helper must be printable and without spaces, so that none can forge a line or a field of the record (T-09).
bool is_plain(std::string_view text);
std::string host_and_port(std::string_view host, std::uint16_t port);
// Where a route goes, in the guest's words: host:port.
std::string destination_of(proto::RouteAsked const& asked);

// A refusal of what was asked for.
proto::EgressDenied denial_of(proto::RouteAsked const& asked, proto::Reason reason);
// `step`: which rule is missing or does not fit, in our words; last in the record, because it has spaces.
proto::Event denial_event(SessionId session, proto::EgressDenied const& denied, std::string_view step = {});
// Before anything is dialled.
proto::Event opened_event(SessionId session, Route const& route, std::string_view rule);
// `why`: a literal or a plain word, empty if there is nothing to say. With a reason, it did not end by itself.
proto::Event closed_event(SessionId session, Route const& route, Traffic traffic, Monotonic now, proto::Reason reason, std::string_view why);
proto::Event request_event(SessionId session, Request const& request, proto::RequestDone const& done, std::string_view rule);
proto::Event tripwire_event(SessionId session, Tripped tripped, std::uint64_t bytes, bool kill);
proto::Event helper_event(SessionId session, proto::What what);

}  // namespace ocu::edge
