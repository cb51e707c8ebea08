// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a session has used, as whoever can count it tells control: totals since the session began, so that a word which is late or said twice
// changes nothing. Each is counted on the host's side of the guest: by the kernel, or by the process that does the work. The words are on
// arrows that there are already (control_to_sandbox.h, ask_edge.h, storage_to_control.h, gateway_to_control.h).

#include <array>
#include <string_view>

#include "base/id.h"
#include "proto/tool.h"
#include "wire/text.h"

namespace ocu::proto {

// What is counted, by the words that a session_metered record has for it, in this order.
inline constexpr std::array<std::string_view, 8> kUsageWords{
    "cpu_us", "memory_kib_s", "mount_read", "mount_written", "egress_up", "egress_down", "calls", "denied"};
using Usage = std::array<std::uint64_t, kUsageWords.size()>;

// last: nothing is left that could use more. Each teller says it once of every session that it was given.
enum class Telling : std::uint8_t { so_far, last };

// From the sandbox role: the cgroup's own counts, by the launcher.
struct SessionUsed {
    SessionId session;
    std::uint64_t cpu_us = 0;
    std::uint64_t memory_kib_s = 0;   // each sample, times how long it was until the next one
    bool cpu_known = false;           // false: it could not be read, and the total is what it was before
    bool memory_known = false;
    Telling telling{};
};

// From storage: bytes of files over the session's mount, by its broker.
struct SessionMounted {
    SessionId session;
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    Telling telling{};
};

// From the edge: bytes of connections, by the kernel's count.
struct SessionTraffic {
    SessionId session;
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    Telling telling{};
};

// From the gateway: the policy refused a call of that caller's in that chat. Counted where there is a session, and nothing else.
struct CallDenied {
    CallerId caller;
    wire::Text<kChatIdBytesMax> chat;
};

}  // namespace ocu::proto
