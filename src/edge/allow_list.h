// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The one place where egress is decided (EG-1, EG-3, EG-5; T-05). Pure: values in, a verdict out. Deny is what is left when no rule fits.
// Names are compared in lower case without a last dot. A name that the guest gives in two places (CONNECT or synthetic address, and SNI or
// Host) must be the same name: a rule for one never opens the other.

#include <span>
#include <string_view>
#include <vector>

#include "edge/rule.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/reason.h"

namespace ocu::edge {

struct RouteVerdict {
    proto::Reason reason = proto::Reason::none;     // else why not
    std::string step;                               // in words, for `ctl egress test` and the record: which rule, or what is missing. Names other rules: never a guest's to read
    proto::Handling handling{};
    std::string dial_name;                          // resolved by the uplink; or
    std::string dial_address;
    std::vector<proto::AddressRange> ranges;        // that the address must lie in; empty: any public one
    std::vector<std::size_t> rules;                 // those that may still decide a request, in the manifest's order
};

struct RequestVerdict {
    proto::Reason reason = proto::Reason::none;
    std::size_t rule = 0;                           // the first that fits
    std::string step;                               // in words; empty if it is allowed
};

class AllowList {
public:
    explicit AllowList(std::vector<Rule> rules) : rules_(std::move(rules)) {}

    std::vector<Rule> const& rules() const { return rules_; }
    // Whether a connection to that name could be let through: the answer to a DNS question.
    bool name_may(std::string_view name) const;
    RouteVerdict route(proto::RouteAsked const& asked) const;
    // For each request on a route of `rules`: host is the request's own, route_name the name that the route was opened for.
    RequestVerdict request(std::span<std::size_t const> rules, std::string_view route_name, proto::RequestAsked const& asked) const;

private:
    std::vector<Rule> rules_;
};

}  // namespace ocu::edge
