// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The session's `exec` helper asks, the agent inside the sandbox answers, over one inherited stream socket with the framing of
// wire/link.h and no descriptors. The agent is guest territory: whatever comes from it is hostile (T-07), so every type is bounded and
// its file answers carry an outcome from a closed set, never text that we would act on.
//
//      exec                             agent
//      guest_welcome{token}      ->
//                                <-     guest_ready{token}
//      guest_run / guest_file    ->
//                                <-     guest_output*, then one of guest_exited, guest_file_done, guest_failed
//      guest_signal              ->

#include <array>

#include "base/id.h"
#include "proto/guest_variables.h"
#include "proto/tool.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kGuestTokenBytesMax = 1024;
inline constexpr std::size_t kGuestOutputBytesMax = 16u << 10;   // of one frame
inline constexpr std::size_t kGuestTailBytesMax = 60'000;  // sent at the end of a stream that was cut: 15,000 characters of 4 bytes
inline constexpr std::size_t kGuestCallsMax = 8;  // running at once

struct GuestWelcome {
    static constexpr Type kType = Type::guest_welcome;
    wire::Text<kGuestTokenBytesMax> token;
    GuestVariables variables;  // for the commands' environment; one that may not be set breaks the channel

    static void fields(auto& wire, auto& m) { wire(m.token, m.variables); }
};

struct GuestReady {
    static constexpr Type kType = Type::guest_ready;
    wire::Text<kGuestTokenBytesMax> token;

    static void fields(auto& wire, auto& m) { wire(m.token); }
};

// A login shell with this command. Forwards at most `stream_bytes_max` of its output, then counts and drops but for the tail.
struct GuestRun {
    static constexpr Type kType = Type::guest_run;
    CallId call;
    std::uint64_t stream_bytes_max = 0;
    wire::Text<kToolTextBytesMax> command;

    static void fields(auto& wire, auto& m) { wire(m.call, m.stream_bytes_max, m.command); }
};

// SIGKILL to the call's process group. Ignored when the call has just ended.
struct GuestSignal {
    static constexpr Type kType = Type::guest_signal;
    CallId call;

    static void fields(auto& wire, auto& m) { wire(m.call); }
};

// One of the three file tools.
struct GuestFile {
    static constexpr Type kType = Type::guest_file;
    CallId call;
    ToolArguments arguments;

    static void fields(auto& wire, auto& m) { wire(m.call, m.arguments); }
};

struct GuestOutput {
    static constexpr Type kType = Type::guest_output;
    CallId call;
    bool tail = false;  // follows a gap: the stream was cut, this is its end
    wire::Text<kGuestOutputBytesMax> bytes;

    static void fields(auto& wire, auto& m) { wire(m.call, m.tail, m.bytes); }
};

struct GuestExited {
    static constexpr Type kType = Type::guest_exited;
    CallId call;
    std::int32_t status = 0;  // shell convention: 128 + n for signal n
    std::uint64_t output_bytes = 0;  // all that was written, forwarded or not

    static void fields(auto& wire, auto& m) { wire(m.call, m.status, m.output_bytes); }
};

// What the bytes of a file call's output are.
enum class FileOutcome : std::uint8_t { text, refused, png, jpeg, gif, webp, archive, died, kLast = died };

struct GuestFileDone {
    static constexpr Type kType = Type::guest_file_done;
    CallId call;
    FileOutcome outcome{};

    static void fields(auto& wire, auto& m) { wire(m.call, m.outcome); }
};

// The call could not be started: no process, no pipe, or too many calls.
struct GuestFailed {
    static constexpr Type kType = Type::guest_failed;
    CallId call;

    static void fields(auto& wire, auto& m) { wire(m.call); }
};

inline constexpr std::array kExecMaySendGuest{
    wire::Permit{static_cast<std::uint16_t>(Type::guest_welcome), 0, kGuestTokenBytesMax + 4 + kGuestVariablesBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_run), 0, kToolTextBytesMax + 32},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_signal), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_file), 0, 3 * kToolTextBytesMax + kPathBytesMax + 256},
};

inline constexpr std::array kGuestMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::guest_ready), 0, kGuestTokenBytesMax + 4},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_output), 0, kGuestOutputBytesMax + 13},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_exited), 0, 20},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_file_done), 0, 9},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_failed), 0, 8},
};

}  // namespace ocu::proto
