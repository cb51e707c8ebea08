// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/refusal.h"

#include "edge/events.h"
#include "wire/http_head.h"
#include "wire/json.h"

namespace ocu::edge {

namespace {

using proto::Reason;

constexpr std::string_view kAsk = " The operator of this appliance can change the egress rules. Retrying does not help.";

std::string sentence(Reason reason, std::string const& where)
{
    switch (reason) {
    case Reason::none: return where + " is allowed and cannot be reached: there is no such name, or nothing answers there.";
    case Reason::not_allowed: return "No egress rule allows " + where + "; a rule for this host and port would be needed." + std::string(kAsk);
    case Reason::port_denied: return "An egress rule names this host, but not the port of " + where + '.' + std::string(kAsk);
    case Reason::address_denied:
        return where + " is, or resolves to, an address that is not reached without a rule for its network." + std::string(kAsk);
    case Reason::protocol_denied: return "What is spoken to " + where + " is not what an egress rule allows there." + std::string(kAsk);
    case Reason::name_mismatch:
        return "The connection was opened for one host and the request names another, so no rule applies to " + where + '.' + std::string(kAsk);
    case Reason::budget_exceeded: return "This session has used up what it may transfer to " + where + '.' + std::string(kAsk);
    case Reason::rate_exceeded: return "This session opens too many connections at once. Close some, then try again.";
    case Reason::audit_unavailable:
    case Reason::edge_draining: return "Outbound connections are not available at the moment. Retrying later may help.";
    case Reason::session_denied: return "This session has been cut off by the operator of this appliance.";
    default: return "The egress rules refuse the connection to " + where + '.' + std::string(kAsk);
    }
}

std::string sentence_of_proxy(Reason reason, std::string const& where)
{
    if (reason == Reason::none)
        return where + " is allowed and cannot be reached: the proxy by which this appliance's connections go did not lead there.";
    return where + " is allowed by this appliance and refused by the proxy by which its connections go. Retrying does not help.";
}

}  // namespace

void add_help(wire::Json& error, Help const& help)
{
    if (auto needed = needed_rule(help.reason, help.wanted)) error.set("needed", *std::move(needed));
    bool const passes = help.reason == Reason::audit_unavailable || help.reason == Reason::edge_draining;
    if (!help.contact.empty() && !passes) error.set("ask", help.contact);
}

std::string http_refusal(Reason reason, std::string_view host, std::uint16_t port, std::string_view contact, proto::RefusedBy by)
{
    bool const by_us = by == proto::RefusedBy::us;
    auto const where = host_and_port(host, port);
    bool const refused = reason != Reason::none;
    auto error = wire::Json::object();
    error.set("code", refused ? name_of(reason) : std::string_view("unreachable"));
    error.set("message", by_us ? sentence(reason, where) : sentence_of_proxy(reason, where));
    if (refused && by_us) add_help(error, {reason, {host, port, {}, {}, {}}, contact});
    if (refused && !by_us && !contact.empty()) error.set("ask", contact);
    auto body = wire::Json::object();
    body.set("error", std::move(error));
    wire::HttpResponse response;
    response.status = refused ? 403 : 502;
    response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
    if (refused) response.headers.push_back({"x-deny-reason", std::string(name_of(reason))});
    response.body = body.print() + '\n';
    return wire::print_http_response(response);
}

}  // namespace ocu::edge
