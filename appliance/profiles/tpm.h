// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// tpm: opens the vault's key with the machine's TPM, and ends (T-12). It has the TPM's descriptor, a pipe to custody and its link, reads,
// writes and waits. No call that controls a device: a TPM's character device takes commands by write alone.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kTpmSystemCalls = joined(kProgramSystemCalls, std::array{
    // the TPM, the pipe, its link
                                                                        __NR_read,
                                                                        __NR_write,
                                                                        __NR_recvmsg,
                                                                        __NR_sendmsg,
                                                                        __NR_close,
                                                                        __NR_poll,
                                                                        __NR_mlock,
                                                                    });

inline constexpr helper::Profile kTpm{
    .name = "tpm",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::tpm),
    .capabilities = {},
    .system_calls = kTpmSystemCalls,
    .memory = helper::Memory::locked,
    .address_space_bytes_max = 256u << 20,
    .open_files_max = 16,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
