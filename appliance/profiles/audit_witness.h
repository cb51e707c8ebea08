// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// audit-witness: shows one head of the log to one witness, and ends (T-40). The tiles that prove it come to it as descriptors that read; a connection as one
// that leads where the manifest says. It makes no socket, opens no path and writes no file.

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kAuditWitnessSystemCalls = joined(kLoopSystemCalls, std::array{
                                                                              __NR_pread64,    // a tile
                                                                              __NR_recvfrom,   // bytes of the connection
                                                                              __NR_sendto,
                                                                              __NR_setsockopt,  // a reset at its end
                                                                              __NR_getsockopt,
                                                                              // the key that TLS is given where custody signs in its place is locked, as all are
                                                                              __NR_mlock,
                                                                          });

inline constexpr helper::Profile kAuditWitness{
    .name = "audit-witness",
    .user_offset = 65'000,  // plus its number among the witnesses
    .capabilities = {},
    .system_calls = kAuditWitnessSystemCalls,
    .memory = helper::Memory::locked,
    .network = helper::Network::shared_empty_namespace,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 256ull << 20,
    .open_files_max = 48,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
