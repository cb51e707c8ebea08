// SPDX-License-Identifier: GPL-3.0-or-later
// An operator's question: what would happen to a connection. Answered from the rules and the session's own numbers; `uplink` is asked what the
// name resolves to, and only where a rule names it, so that no question leaves that a guest could not cause (EG-4). Nothing is dialled.

#include "edge/edge_state.h"

namespace ocu::edge {

SessionFacts Edge::State::facts_of(SessionId id)
{
    SessionFacts facts;
    if (!id) return facts;
    Session const* const session = find(id);
    if (session == nullptr) {
        facts.state = severed.contains(id) ? SessionFacts::State::severed : SessionFacts::State::unknown;
        return facts;
    }
    facts.state = SessionFacts::State::attached;
    facts.closed = session->closed;
    facts.full = session->routes.size() >= kConnectionsMax;
    facts.spent = session->spent;
    return facts;
}

void Edge::State::explain(proto::ExplainWanted const& wanted)
{
    Explanation explanation(allow, wanted.question, facts_of(wanted.session), config.proxy);
    if (!explanation.wants_addresses()) return wires.control.send(explanation.answer(wanted.request));
    if (!uplink || explaining.size() >= kExplainingMax) {
        uplink ? explanation.not_judged(proto::DialFailure::over_limit) : explanation.no_uplink();
        return wires.control.send(explanation.answer(wanted.request));
    }
    std::uint64_t const number = ++last_number;
    auto dial = explanation.dial();
    dial.request = RequestId{number};
    explaining.emplace(number, Explaining{wanted.request, std::move(explanation)});
    uplink->send(dial);
}

bool Edge::State::explained(std::uint64_t number, std::function<void(Explanation&)> const& add)
{
    auto const found = explaining.extract(number);
    if (found.empty()) return false;
    add(found.mapped().explanation);
    wires.control.send(found.mapped().explanation.answer(found.mapped().request));
    return true;
}

void Edge::State::explain_without_uplink()
{
    while (!explaining.empty()) (void)explained(explaining.begin()->first, [](Explanation& e) { e.no_uplink(); });
}

}  // namespace ocu::edge
