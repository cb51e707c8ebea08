// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/refusal.h"

#include "wire/http_head.h"
#include "wire/json.h"

namespace ocu::edge {

std::string http_refusal(proto::Reason reason, std::string_view destination, std::uint16_t port)
{
    std::string const where = std::string(destination) + ':' + std::to_string(port);
    auto error = wire::Json::object();
    error.set("code", name_of(reason));
    error.set("message", "Outbound connections from this sandbox are closed. No rule allows " + where +
                             "; the operator of this appliance can add an egress rule for it. Retrying does not help.");
    auto body = wire::Json::object();
    body.set("error", std::move(error));
    wire::HttpResponse response;
    response.status = 403;
    response.headers = {
        {"Content-Type", "application/json"}, {"x-deny-reason", std::string(name_of(reason))}, {"Cache-Control", "no-store"}};
    response.body = body.print() + '\n';
    return wire::print_http_response(response);
}

}  // namespace ocu::edge
