// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What one helper may do, as data. Each helper's profile is one reviewable file, appliance/profiles/<helper>.h.

#include <cstdint>
#include <span>
#include <string_view>

namespace ocu::helper {

enum class Memory { normal, locked };
// A listening socket given at the start keeps working from an empty namespace, so even the fronts need nothing else. Per-session
// helpers share one empty namespace (descriptor 0 of their configuration): making and ending one for each is slow in the kernel.
enum class Network { own_empty_namespace, shared_empty_namespace, as_started };
// outgoing: makes sockets of the internet families, streams and datagrams of no special protocol, and connects them. Nobody else makes any.
enum class Connections { none, outgoing };
// event_loop: ioctl(2) with FIONBIO and FIONREAD, which Asio and c-ares use on sockets, and with no other request.
enum class Requests { none, event_loop };
enum class ParentDeath { kill, notice };  // notice: the launcher, which must clean up when the core is gone

struct Profile {
    std::string_view name;
    std::uint32_t user_offset;  // uid = gid = kHelperUidBase + user_offset
    std::span<int const> capabilities;  // CAP_*: kept permitted and effective; most have none
    std::span<int const> system_calls;  // allow-list; everything else kills the process
    Memory memory = Memory::normal;
    Network network = Network::own_empty_namespace;
    Connections connections = Connections::none;
    Requests requests = Requests::none;
    ParentDeath parent_death = ParentDeath::kill;
    bool landlock = true;  // no path at all may be opened; false only for the launcher
    bool stay_root = false;  // the launcher
    std::uint64_t address_space_bytes_max = 0;  // RLIMIT_AS; 0 = no limit
    std::uint64_t open_files_max = 64;  // RLIMIT_NOFILE
    std::uint64_t file_bytes_max = ~0ull;  // RLIMIT_FSIZE
};

// Not created by hand: numbers nobody else uses. Broker and exec helpers of a session add the slot to their offset.
inline constexpr std::uint32_t kHelperUidBase = 884'000;

}  // namespace ocu::helper
