// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the files front answers to one whole HTTP request (F11). It knows no caller and serves no file yet: health, and typed refusals.
// Pure.
//
//   threats   T-01 nothing is given to anybody unauthenticated   T-02 DNS rebinding: a Host that is not ours is refused first

#include <span>
#include <string>

#include "wire/http.h"

namespace ocu::storage {

wire::HttpResponse answer_files_request(wire::HttpRequest const& request, std::span<std::string const> hosts);
// The server's own refusals, in the same form.
wire::HttpResponse files_refusal(wire::HttpRefusal refusal);

}  // namespace ocu::storage
