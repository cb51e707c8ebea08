// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The core starts one `tpm` helper for one piece of work, each time that custody starts: it alone talks to the machine's TPM and parses
// what the TPM answers. The key goes from it to custody through a pipe: the core passes the pipe's end on and never reads it. The helper's
// only frame is its ready report, and it ends after it.

#include <array>
#include <cstdint>

#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kSealedKeyBytesMax = 1024;

enum class TpmWork : std::uint8_t {
    make,       // a new random key, sealed
    take_over,  // the key of a file, sealed
    open,       // what was sealed before
    kLast = open,
};

// Descriptors: the TPM (a character device or a connected socket, non-blocking), the pipe's end to write to, and for take_over the key file.
struct TpmConfig {
    TpmWork work{};
    wire::Text<kSealedKeyBytesMax> sealed;  // open: as it was reported when it was made

    static void fields(auto& wire, auto& m) { wire(m.work, m.sealed); }
};

enum class TpmTrouble : std::uint8_t {
    none,
    silent,  // no answer, or not one of the TPM's grammar
    not_this_tpm,  // its storage key is another: another TPM, or this one was cleared
    altered,  // what is sealed does not open here, though the storage key is the same
    owner_password,  // somebody set a password for the owner hierarchy
    refused,  // another error of the TPM's
    broken,  // ours: what was handed over is not as agreed
    kLast = broken,
};

struct TpmReport {
    TpmTrouble trouble{};
    std::uint32_t code = 0;  // the TPM's, where it said one
    wire::Text<kSealedKeyBytesMax> sealed;  // make, take_over

    static void fields(auto& wire, auto& m) { wire(m.trouble, m.code, m.sealed); }
};

}  // namespace ocu::proto
