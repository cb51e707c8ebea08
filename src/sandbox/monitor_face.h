// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What gVisor's runtime monitor says (its "remote" sink): one packet each, a header of 8 or more bytes and a protobuf message after it
// (pkg/sentry/seccheck: wire.Header, common.Handshake, sentry.ExecveInfo). It is the word of the guest's kernel, which a guest may have taken
// over, and the texts are the guest's own: every length is checked, nothing is kept but what is bounded here (T-07). No system calls.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace ocu::sandbox {

inline constexpr std::size_t kMonitorPacketBytesMax = 64u << 10;  // the rest of a longer one is not read: its program is still told
inline constexpr std::size_t kProgramWordsBytesMax = 160;

struct Program {
    std::string path;   // as the kernel found it, links followed
    std::string words;  // "(as NAME) " if it was called by another name, then its arguments; cut with "…"
    bool operator==(Program const&) const = default;
};

struct MonitorPacket {
    std::uint32_t dropped = 0;       // packets that the sender had to give up, in all, until now
    std::optional<Program> program;  // nothing: not about a program, or not to be read
};

// The first packet, without a header. False: it is none.
bool is_monitor_handshake(std::span<std::byte const> packet);
// What is answered to it: the version that we read.
std::span<std::byte const> monitor_handshake_answer();
// Nothing: there is no header in it.
std::optional<MonitorPacket> read_monitor_packet(std::span<std::byte const> packet);

}  // namespace ocu::sandbox
