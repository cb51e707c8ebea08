// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a credential takes the place of a scoped token (EG-7, invariant 4; T-12). The guest has only the token; a request that presents it in
// the header that the rule names, alone, in one of three forms, gets the credential there:
//
//     TOKEN      Scheme TOKEN      Basic base64(user:TOKEN), base64(TOKEN:anything), base64(TOKEN)
//
// A token anywhere else in a head (another header, the target, a second header of that name) is refused, never forwarded and never removed in
// silence: a program that puts it there has been misled or is misleading, and both should be seen. Bodies are not looked at: the token is
// worth nothing outside its own session. Pure; threading: any.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "wire/http_relay_head.h"

namespace ocu::edge {

inline constexpr std::string_view kScopedTokenPrefix = "ocu-scoped-";

// The scoped token that this value presents, if it has one of the forms.
std::optional<std::string> scoped_token_in(std::string_view value);
// The token that the request presents in that header: in it alone, and once.
std::optional<std::string> presented_token(wire::RelayRequest const& request, std::string_view header);
// Whether anything that begins like a scoped token stands in the head, `except` for headers of that name (empty: for none).
bool has_stray_token(wire::RelayRequest const& request, std::string_view except);

// Replaces the value of `header` by `format` with the credential in it: "{}" stands for it, "{basic}" for "Basic " and its base64. For a
// credential that is reflected, the answer must stay readable: asks for no content coding and, of a WebSocket, for no extension.
// Errors: malformed (the format has no place or two, or a byte that may not stand in a header would come of it; nothing was changed).
Result<void> inject(wire::RelayRequest& request, std::string_view header, std::string_view format, Secret const& credential);
// Takes out the header that presented the token, where nothing takes its place.
void drop_presented(wire::RelayRequest& request, std::string_view header);
// Overwrites what inject() has put there.
void forget_injected(wire::RelayRequest& request, std::string_view header);

}  // namespace ocu::edge
