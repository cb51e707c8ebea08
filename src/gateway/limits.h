// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the gateway that the manifest does not set.

#include <chrono>
#include <cstddef>

#include "proto/gateway_front_to_gateway.h"
#include "proto/tool.h"

namespace ocu::gateway {

inline constexpr std::size_t kBodyBytesMax = 1u << 20;             // GW-4
inline constexpr std::size_t kJsonDepthMax = 24;
inline constexpr std::size_t kMethodBytesMax = 128;
inline constexpr std::size_t kRpcIdBytesMax = 128;                 // a string id, before it is written as JSON
inline constexpr std::size_t kProgressTokenBytesMax = 256;
inline constexpr std::size_t kRevisionBytesMax = 32;
inline constexpr std::size_t kAnswerSlackChars = 1'000;            // notices that the sandbox adds to a cut text
inline constexpr std::size_t kDetailBytesMax = 1024;               // of a command, on record
inline constexpr std::size_t kResourcesMax = 16;                   // questions about files at once: each answer may be of megabytes
inline constexpr std::size_t kResourcesPerCallerMax = 4;
inline constexpr std::size_t kUriBytesMax = 3 * proto::kPathBytesMax + 64;

inline constexpr std::chrono::milliseconds kStreamAfter{2'000};    // a call that runs longer is answered by a stream
inline constexpr std::chrono::milliseconds kStreamBeat{10'000};    // a comment line, so that nobody takes the stream for dead
inline constexpr std::chrono::milliseconds kAuthorizedFor{1'000};  // GW-3: revocation works within a second
inline constexpr std::chrono::milliseconds kStopPatience{2'000};
inline constexpr std::chrono::milliseconds kFoldTime{1'000};       // refusals of one kind and caller: one record in this time, counted

static_assert(kBodyBytesMax <= proto::kToolTextBytesMax);
// Escaped as JSON, a byte can take six; ids that would not fit the frame are refused at the face by their printed size.
static_assert(kRpcIdBytesMax < proto::kClientIdBytesMax);

}  // namespace ocu::gateway
