// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The sandbox role's thread asks, the session's own `exec` helper answers. The helper alone reads what the guest's agent sends; what
// leaves it here is bounded by these types and is still the guest's bytes (T-07).
//
// The helper's configuration carries two descriptors: [0] the shared empty network namespace, [1] the host end of the guest channel
// (SOCK_STREAM); and if `monitored` [2], where gVisor's runtime monitor connects (SOCK_SEQPACKET). After its ready report it says exec_ready once the agent has echoed the token, and exec_guest_gone when the agent is
// lost: calls that were running have been answered before that, and later ones are answered with session_ended.
// Every exec_call gets exactly one exec_done; a CallId is not reused while its call runs.

#include <array>
#include <chrono>

#include "base/id.h"
#include "proto/guest_variables.h"
#include "proto/tool.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kSessionTokenBytesMax = 1024;

// Body of the helper's configuration frame.
struct ExecConfig {
    wire::Text<kSessionTokenBytesMax> token;    // the agent must echo it: proof that the channel ends in this session's guest
    std::uint64_t stream_bytes_max = 8u << 20;  // output of one call that the agent forwards; the rest is counted and dropped
    std::chrono::milliseconds answer_max{120'000};  // a view or edit that takes longer is ended
    GuestVariables variables;                   // for the commands' environment
    bool monitored = false;                     // tier gVisor: its kernel tells which programs run

    static void fields(auto& wire, auto& m) { wire(m.token, m.stream_bytes_max, m.answer_max, m.variables, m.monitored); }
};

struct ExecCall {
    static constexpr Type kType = Type::exec_call;
    CallId call;
    ToolArguments arguments;
    bool progress_wanted = false;

    static void fields(auto& wire, auto& m) { wire(m.call, m.arguments, m.progress_wanted); }
};

// Ends the call's process group; the call is answered with Reason::cancelled. An unknown call is ignored: it may have just ended.
struct ExecCancel {
    static constexpr Type kType = Type::exec_cancel;
    CallId call;

    static void fields(auto& wire, auto& m) { wire(m.call); }
};

struct ExecProgress {
    static constexpr Type kType = Type::exec_progress;
    CallId call;
    std::chrono::milliseconds elapsed{};
    std::chrono::milliseconds total{};              // the call's timeout
    wire::Text<kLastLineBytesMax> last_line;        // of the output so far; guest's bytes

    static void fields(auto& wire, auto& m) { wire(m.call, m.elapsed, m.total, m.last_line); }
};

struct ExecDone {
    static constexpr Type kType = Type::exec_done;
    CallId call;
    ToolAnswer answer;

    static void fields(auto& wire, auto& m) { wire(m.call, m.answer); }
};

struct ExecReady {
    static constexpr Type kType = Type::exec_ready;

    static void fields(auto&, auto&) {}
};

// The agent closed the channel, broke its grammar or did not answer a kill: the session is lost.
struct ExecGuestGone {
    static constexpr Type kType = Type::exec_guest_gone;

    static void fields(auto&, auto&) {}
};

// The guest says that nothing runs in it, after the last call was answered. At most once for each call, and once before the first.
struct ExecIdle {
    static constexpr Type kType = Type::exec_idle;

    static void fields(auto&, auto&) {}
};

// A program that process_start began has ended: once for each, whether anybody asked or not. By the guest's word but for the duration.
struct ExecProcessEnded {
    static constexpr Type kType = Type::exec_process_ended;
    std::uint32_t process = 0;
    std::int32_t status = 0;         // shell convention: 128 + n for signal n
    bool timed_out = false;          // ended by us, at the time that its caller had set
    std::uint64_t output_bytes = 0;
    std::chrono::milliseconds duration{};

    static void fields(auto& wire, auto& m) { wire(m.process, m.status, m.timed_out, m.output_bytes, m.duration); }
};

// Programs that ran in the guest since the last time, by the word of gVisor's kernel and not of the agent. At most one in 250 ms.
struct ExecProgramsRun {
    static constexpr Type kType = Type::exec_programs_run;
    std::uint64_t count = 0;
    std::uint64_t untold = 0;   // more that the kernel could not tell, or told so that nobody could read it
    wire::Text<900> shown;      // "PATH WORD…; PATH (as NAME) ×2; …": bounded; guest's bytes

    static void fields(auto& wire, auto& m) { wire(m.count, m.untold, m.shown); }
};

inline constexpr std::uint32_t kExecCallBytesMax = 3 * kToolTextBytesMax + kPathBytesMax + 256;
inline constexpr std::uint32_t kExecDoneBytesMax = kAnswerBytesMax + 512;

inline constexpr std::array kSandboxMaySendExec{
    wire::Permit{static_cast<std::uint16_t>(Type::exec_call), 0, kExecCallBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_cancel), 0, 16},
};

inline constexpr std::array kExecMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::exec_progress), 0, 64 + kLastLineBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_done), 0, kExecDoneBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_ready), 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_guest_gone), 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_process_ended), 0, 32},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_programs_run), 0, 1'024},
    wire::Permit{static_cast<std::uint16_t>(Type::exec_idle), 0, 0},
};

}  // namespace ocu::proto
