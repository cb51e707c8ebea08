// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// F1 behind the face: gateway-front has parsed what a caller sent and says only this to the gateway thread. Every frame that asks for
// something carries the token that the caller showed; the digests it is judged by never leave the thread.

#include <array>

#include "base/id.h"
#include "proto/resource.h"
#include "proto/tool.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kTokenBytesMax = 512;
inline constexpr std::size_t kClientIdBytesMax = 160;  // a JSON-RPC id as JSON text
inline constexpr std::size_t kTraceBytesMax = 64;

struct FrontAuthorize {
    static constexpr Type kType = Type::authorize;
    RequestId request;
    wire::Text<kTokenBytesMax> token;
    wire::Text<kTraceBytesMax> trace;  // what the client will be shown if the answer is no

    static void fields(auto& wire, auto& m) { wire(m.request, m.token, m.trace); }
};

struct FrontAuthorized {
    static constexpr Type kType = Type::authorized;
    RequestId request;
    bool good = false;
    ToolSet tools;  // that tools/list shows: those that some rule allows this caller. Each call is judged again, by the gateway

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.tools); }
};

struct FrontCall {
    static constexpr Type kType = Type::call_tool;
    RequestId request;                          // the front's number for this call; what answers and cancels name
    wire::Text<kTokenBytesMax> token;
    wire::Text<kChatIdBytesMax> chat;
    wire::Text<kClientIdBytesMax> client_id;    // what notifications/cancelled will name, within caller and chat
    ToolArguments arguments;
    bool wants_progress = false;
    std::uint32_t ignored_arguments = 0;        // members that no tool knows: counted, never passed on

    static void fields(auto& wire, auto& m)
    {
        wire(m.request, m.token, m.chat, m.client_id, m.arguments, m.wants_progress, m.ignored_arguments);
    }
};

// Either the call that the front itself numbered (its client has gone), or, with request = 0, the one that a caller's notification
// names: only within the same caller and chat, so that clients which number alike cannot end each other's calls.
struct FrontCancel {
    static constexpr Type kType = Type::cancel_call;
    RequestId request;
    wire::Text<kTokenBytesMax> token;
    wire::Text<kChatIdBytesMax> chat;
    wire::Text<kClientIdBytesMax> client_id;

    static void fields(auto& wire, auto& m) { wire(m.request, m.token, m.chat, m.client_id); }
};

struct FrontProgress {
    static constexpr Type kType = Type::call_progress;
    RequestId request;
    std::chrono::milliseconds elapsed{};
    std::chrono::milliseconds total{};
    wire::Text<kLastLineBytesMax> last_line;  // the guest's bytes

    static void fields(auto& wire, auto& m) { wire(m.request, m.elapsed, m.total, m.last_line); }
};

struct FrontDone {
    static constexpr Type kType = Type::call_done;
    RequestId request;
    wire::Text<kTraceBytesMax> trace;
    ToolAnswer answer;

    static void fields(auto& wire, auto& m) { wire(m.request, m.trace, m.answer); }
};

// A caller was added or revoked: nothing that was authorized before counts any longer (GW-3).
struct CallersChanged {
    static constexpr Type kType = Type::callers_changed;
    std::uint64_t generation = 0;

    static void fields(auto& wire, auto& m) { wire(m.generation); }
};

// The front itself has said no, before there was a call: for the record, under the correlation id that the client was shown.
struct FrontRefused {
    static constexpr Type kType = Type::front_refused;
    wire::Text<kTraceBytesMax> trace;
    wire::Text<48> code;
    wire::Text<kTokenBytesMax> token;  // empty: refused before one was read

    static void fields(auto& wire, auto& m) { wire(m.trace, m.code, m.token); }
};

struct HealthWanted {
    static constexpr Type kType = Type::health_wanted;
    RequestId request;

    static void fields(auto& wire, auto& m) { wire(m.request); }
};

struct HealthTold {
    static constexpr Type kType = Type::health_told;
    RequestId request;
    bool healthy = false;

    static void fields(auto& wire, auto& m) { wire(m.request, m.healthy); }
};

// resources/list and resources/read. Not in order with the calls of the same chat, and nothing can cancel it: it is short.
struct FrontAskResource {
    static constexpr Type kType = Type::ask_resource;
    RequestId request;  // numbered together with FrontCall's
    wire::Text<kTokenBytesMax> token;
    wire::Text<kChatIdBytesMax> chat;
    ResourceAsk ask;

    static void fields(auto& wire, auto& m) { wire(m.request, m.token, m.chat, m.ask); }
};

struct FrontResource {
    static constexpr Type kType = Type::resource_told;
    RequestId request;
    wire::Text<kTraceBytesMax> trace;
    Reason reason = Reason::none;  // other than none: the answer is empty
    ResourceAnswer answer;

    static void fields(auto& wire, auto& m) { wire(m.request, m.trace, m.reason, m.answer); }
};

inline constexpr std::array kGatewayFrontMaySay{
    wire::Permit{static_cast<std::uint16_t>(Type::authorize), 0, 1024},
    // A command, or the two texts of a replacement: together never more than the HTTP body that they came in.
    wire::Permit{static_cast<std::uint16_t>(Type::call_tool), 0, kToolTextBytesMax + (16u << 10)},
    wire::Permit{static_cast<std::uint16_t>(Type::cancel_call), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::health_wanted), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::front_refused), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::ask_resource), 0, kPathBytesMax + 1024},
};

inline constexpr std::array kGatewayMaySayToFront{
    wire::Permit{static_cast<std::uint16_t>(Type::authorized), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::call_progress), 0, 512},
    wire::Permit{static_cast<std::uint16_t>(Type::call_done), 0, kAnswerBytesMax + (4u << 10)},
    wire::Permit{static_cast<std::uint16_t>(Type::callers_changed), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::health_told), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::resource_told), 0, kResourceAnswerBytesMax + 256},
};

}  // namespace ocu::proto
