// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/relay_refusal.h"

#include "edge/refusal.h"
#include "wire/json.h"

namespace ocu::edge {

namespace {

using proto::Reason;

std::string_view sentence(Reason reason)
{
    switch (reason) {
    case Reason::name_mismatch: return "The request is for another host than its connection. Use a new connection for each host";
    case Reason::method_denied: return "No rule allows this method there";
    case Reason::path_denied: return "No rule allows this path there, or it is written in a way that can be read as two different paths";
    case Reason::credential_unavailable: return "The credential for this destination is not available now. Trying again later may help";
    case Reason::scoped_token_missing:
        return "The credential for this destination is put in place of this session's token for it, and the request does not present that "
               "token, alone, in the header that the rule names";
    case Reason::upstream_unverified: return "The server there could not show that it is the one that was asked for";
    case Reason::protocol_denied: return "What was sent, or what came back, is not plain HTTP as this gateway takes it";
    case Reason::icap_denied: return "Whoever looks at what is sent and received for this destination does not let it through";
    case Reason::icap_unavailable: return "What is sent and received for this destination cannot be looked at now. Trying again later may help";
    case Reason::not_downloadable: return "What was sent is, or could be, a file of this session that may not leave it";
    case Reason::session_denied: return "This session may no longer connect to anything";
    case Reason::budget_exceeded: return "The amount of data that the rule grants is used up";
    case Reason::rate_exceeded: return "Too much at once. Trying again later may help";
    case Reason::audit_unavailable:
    case Reason::edge_draining: return "Outbound requests are stopped for the moment. Trying again later may help";
    default: return "No rule allows this request; the operator of this appliance can add one";
    }
}

wire::HttpResponse response(unsigned status, std::string_view code, std::string_view message, std::optional<Help> const& help = {})
{
    auto error = wire::Json::object();
    error.set("code", code);
    error.set("message", message);
    if (help) add_help(error, *help);
    auto body = wire::Json::object();
    body.set("error", std::move(error));
    wire::HttpResponse out;
    out.status = status;
    out.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
    out.body = body.print() + '\n';
    return out;
}

std::string place(ExchangeRoute const& route) { return " (" + route.name + ':' + std::to_string(route.port) + ")."; }

}  // namespace

proto::Reason reason_of(wire::RelayFault fault)
{
    switch (fault) {
    case wire::RelayFault::none:
    case wire::RelayFault::timeout:
    case wire::RelayFault::gone:
    case wire::RelayFault::upstream: return Reason::none;
    case wire::RelayFault::host: return Reason::name_mismatch;
    case wire::RelayFault::path: return Reason::path_denied;
    case wire::RelayFault::method: return Reason::method_denied;
    case wire::RelayFault::adapter: return Reason::icap_unavailable;
    default: return Reason::protocol_denied;
    }
}

wire::HttpResponse denied(Reason reason, ExchangeRoute const& route, std::string_view word, std::string_view method, std::string_view path)
{
    std::string message(sentence(reason));
    if (!word.empty()) (message += ": ").append(word);
    auto out =
        response(403, name_of(reason), message + place(route), Help{reason, {route.name, route.port, method, path, {}}, route.contact});
    out.headers.push_back({"x-deny-reason", std::string(name_of(reason))});
    return out;
}

wire::HttpResponse broken(Broke what, ExchangeRoute const& route)
{
    switch (what) {
    case Broke::request_late: return response(408, "request_timeout", "The request did not arrive in time" + place(route));
    case Broke::upstream_late: return response(504, "upstream_timeout", "The server there did not answer in time" + place(route));
    case Broke::upstream_gone: break;
    }
    return response(502, "upstream_unreachable", "The server there gave no answer, or one that is not HTTP" + place(route));
}

}  // namespace ocu::edge
