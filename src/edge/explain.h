// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `ctl egress test`: the decision of AllowList, told step by step to an operator. It asks the same functions that decide, in the order in which
// they do, and adds only words. Pure.

#include <vector>

#include "edge/allow_list.h"
#include "edge/chained_proxy.h"
#include "proto/ask_edge.h"
#include "proto/edge_to_uplink.h"

namespace ocu::edge {

// What the thread knows of the session that was named.
struct SessionFacts {
    enum class State : std::uint8_t { not_named, unknown, severed, attached };
    State state = State::not_named;
    proto::Reason closed = proto::Reason::none;  // the tripwire has ended it
    bool full = false;  // of connections
    std::vector<std::uint64_t> spent;  // bytes, for each rule; empty: none
};

class Explanation {
public:
    // `proxy` is not copied.
    Explanation(AllowList const& allow, proto::EgressQuestion const& question, SessionFacts const& facts, proto::ChainedProxy const& proxy);

    // Whether it is still to be asked what the name resolves to. If not, this is complete.
    bool wants_addresses() const { return reason_ == proto::Reason::none && !proxy_resolves(proxy_, dial()); }
    proto::Dial dial() const;  // without its number; not to connect

    void judged(proto::DialJudged const& judged);
    void not_judged(proto::DialFailure failure);
    void no_uplink();

    proto::Explained answer(RequestId request) const;

private:
    void say_way();
    void say_address(proto::JudgedAddress const& each);
    void say(std::string_view topic, std::string words, proto::Reason reason = proto::Reason::none);
    void say_url();
    void say_session(SessionFacts const& facts);
    void say_route(SessionFacts const& facts);
    void say_request(SessionFacts const& facts);
    void say_injection();
    void say_budget(SessionFacts const& facts, std::size_t rule);
    void say_needed();

    AllowList const& allow_;
    proto::ChainedProxy const& proxy_;
    proto::EgressQuestion question_;
    proto::RouteAsked asked_;
    RouteVerdict verdict_;
    std::size_t rule_ = 0;
    std::vector<proto::ExplainStep> steps_;
    std::vector<std::string> addresses_;  // denied ones: what a rule would have to name
    proto::Reason reason_ = proto::Reason::none;  // the first that was found
    bool has_rule_ = false;
};

}  // namespace ocu::edge
