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
//      guest_process             ->
//                                <-     guest_output*, then one of guest_process_done, guest_failed
//      guest_process_order       ->
//                                <-     guest_process_ended, once for each program that was started

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
inline constexpr std::size_t kProcessAnswerBytesMax = kAnswerTextCharsMax;  // of one answer; the rest stays for the next

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

// SIGKILL to the call's process group; a call that waits for output is answered with what there is. Ignored when the call has just ended.
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

enum class ProcessDeed : std::uint8_t { start, read, write, signal, kLast = signal };

// Something to do with a program that has a terminal (SX-3), and then: its output from byte `from` on, as soon as there is some and it pauses,
// or it has ended, or `wait` is over. `process` is the asker's number for it, not used again.
struct GuestProcess {
    static constexpr Type kType = Type::guest_process;
    CallId call{};
    std::uint32_t process = 0;
    ProcessDeed deed{};
    std::uint16_t rows = 0;               // start; signal: where not zero, the new size
    std::uint16_t columns = 0;
    std::uint8_t signal = 0;              // signal; to its process group and the terminal's foreground
    std::chrono::milliseconds cpu_max{};  // start
    std::chrono::milliseconds wait{};
    std::uint64_t from = 0;
    wire::Text<kToolTextBytesMax> text{};  // start: the command; write: what is typed

    static void fields(auto& wire, auto& m)
    {
        wire(m.call, m.process, m.deed, m.rows, m.columns, m.signal, m.cpu_max, m.wait, m.from, m.text);
    }
};

enum class ProcessOrder : std::uint8_t { kill, forget, kLast = forget };

// Not a call, not answered. kill: its time is over. forget: it has ended, and nobody will ask for its output again.
struct GuestProcessOrder {
    static constexpr Type kType = Type::guest_process_order;
    std::uint32_t process = 0;
    ProcessOrder order{};

    static void fields(auto& wire, auto& m) { wire(m.process, m.order); }
};

enum class ProcessOutcome : std::uint8_t { done, not_started, input_full, kLast = input_full };

// The call's output frames were bytes [first, next) of what the program wrote. `first` is later than asked for where the ring had been
// written over, `end` later than `next` where there is more.
struct GuestProcessDone {
    static constexpr Type kType = Type::guest_process_done;
    CallId call;
    ProcessOutcome outcome{};
    std::uint64_t first = 0;
    std::uint64_t next = 0;
    std::uint64_t end = 0;

    static void fields(auto& wire, auto& m) { wire(m.call, m.outcome, m.first, m.next, m.end); }
};

// Comes before the answer of any call that has seen all its output.
struct GuestProcessEnded {
    static constexpr Type kType = Type::guest_process_ended;
    std::uint32_t process = 0;
    std::int32_t status = 0;  // shell convention: 128 + n for signal n
    std::uint64_t output_bytes = 0;

    static void fields(auto& wire, auto& m) { wire(m.process, m.status, m.output_bytes); }
};

// No process but the agent's own is left, and no call: once, until the agent is asked something again.
struct GuestIdle {
    static constexpr Type kType = Type::guest_idle;

    static void fields(auto&, auto&) {}
};

inline constexpr std::array kExecMaySendGuest{
    wire::Permit{static_cast<std::uint16_t>(Type::guest_welcome), 0, kGuestTokenBytesMax + 4 + kGuestVariablesBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_run), 0, kToolTextBytesMax + 32},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_signal), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_file), 0, 3 * kToolTextBytesMax + kPathBytesMax + 256},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_process), 0, kToolTextBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_process_order), 0, 5},
};

inline constexpr std::array kGuestMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::guest_ready), 0, kGuestTokenBytesMax + 4},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_output), 0, kGuestOutputBytesMax + 13},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_exited), 0, 20},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_file_done), 0, 9},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_failed), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_process_done), 0, 40},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_process_ended), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::guest_idle), 0, 0},
};

}  // namespace ocu::proto
