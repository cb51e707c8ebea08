// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The answer that a program in the guest reads when its request was refused (EG-6): status 403, `x-deny-reason`, and in JSON a sentence that
// says which rule is missing and who can add it. 502 and no reason where nothing was refused and the destination cannot be reached.

#include <string>
#include <string_view>

#include "proto/reason.h"

namespace ocu::edge {

std::string http_refusal(proto::Reason reason, std::string_view host, std::uint16_t port);

}  // namespace ocu::edge
