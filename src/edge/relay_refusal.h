// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a program in the guest reads on an open route whose request goes no further (EG-6): 403 with x-deny-reason and a sentence in JSON, or,
// where no rule says no, a 4xx or 5xx without that header. Pure.

#include <string_view>

#include "edge/exchange.h"
#include "proto/reason.h"
#include "wire/http_relay.h"

namespace ocu::edge {

// What a fault of the exchange is called towards guest and auditor; none: nobody refused, something broke.
proto::Reason reason_of(wire::RelayFault fault);

// `reason` is not none. `word`: a detail that is ours ("dates"), or empty. `method`, `path`: of the request, where a rule could allow them.
wire::HttpResponse denied(
    proto::Reason reason, ExchangeRoute const& route, std::string_view word = {}, std::string_view method = {}, std::string_view path = {});

enum class Broke {
    request_late,  // 408: its head did not come
    upstream_gone,  // 502: no answer, or not HTTP
    upstream_late,  // 504
};
wire::HttpResponse broken(Broke what, ExchangeRoute const& route);

}  // namespace ocu::edge
