// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The kernel's command line: it is signed together with the kernel, and what it says of the images is therefore what the rest of the
// machine is measured against (T-22).
//
//   ocu.root=NBLOCKS,ROOTHASH,SALT             the machine's own root, /medium/ocu/root.erofs
//   ocu.guest.VARIANT=NBLOCKS,ROOTHASH,SALT    a guest image, /medium/ocu/guest-VARIANT.erofs
//   console=DEVICE[,...]                       where the machine shows itself
//
// Parsing is pure. What it does not know it leaves to the kernel; what it knows and cannot read is an error, never a default.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ocu::init {

inline constexpr std::size_t kCommandLineBytesMax = 4096;

// An image with its hash tree behind it, as `veritysetup --no-superblock --hash-offset` makes it: SHA-256, blocks of 4096 bytes.
struct VerityImage {
    std::uint64_t blocks = 0;  // of data; the tree begins at this block
    std::string root_hash;     // 64 hex digits
    std::string salt;          // hex
};

struct CommandLine {
    std::optional<VerityImage> root;
    std::map<std::string, VerityImage> guests;  // by variant: minimal, standard, full
    std::vector<std::string> consoles;          // "tty1", "ttyS0"; in the order given
};

// Errors: malformed, over_limit.
Result<CommandLine> parse_command_line(std::string_view text);

// The running kernel's. Errors: os, malformed, over_limit.
Result<CommandLine> read_command_line();

// What device-mapper is told: any block that does not fit its hash ends the machine.
std::string verity_table(std::string_view device, VerityImage const& image);

}  // namespace ocu::init
