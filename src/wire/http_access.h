// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Who a request says that it comes from: the bearer token and the chat, one grammar for every listener on which callers speak (F1, F11).
// Pure; what is cut out here is judged by a thread of the core.

#include <expected>
#include <optional>
#include <string>

#include "wire/http.h"

namespace ocu::wire {

inline constexpr std::size_t kBearerBytesMax = 512;
inline constexpr std::size_t kChatNameBytesMax = 128;

enum class NoToken { absent, malformed };
// From `Authorization: Bearer`, and from nowhere else (GW-3).
std::expected<std::string, NoToken> bearer_token(HttpRequest const& request);

// X-Chat-Id, else X-OpenWebUI-Chat-Id; none: the request names no chat. `malformed`: it names one that cannot be.
enum class BadChat { malformed };
std::expected<std::optional<std::string>, BadChat> chat_name(HttpRequest const& request);

}  // namespace ocu::wire
