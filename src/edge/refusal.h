// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The answer that a program in the guest reads when its request was refused (EG-6): status 403, `x-deny-reason`, a sentence in JSON.

#include <string>
#include <string_view>

#include "proto/reason.h"

namespace ocu::edge {

std::string http_refusal(proto::Reason reason, std::string_view destination, std::uint16_t port);

}  // namespace ocu::edge
