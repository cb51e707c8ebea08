// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Whether the firmware checked what it started. Said loudly when it did not; the machine goes on, because only its owner can judge that.

#include <span>
#include <string>
#include <cstddef>

namespace ocu::init {

enum class SecureBoot { on, off, setup_mode, no_uefi };

// From the variables' bytes: four of attributes, then one of value. Empty: there is no such variable. Pure.
SecureBoot judge_secure_boot(std::span<std::byte const> secure_boot, std::span<std::byte const> setup_mode);
// Reads them; efivarfs is mounted.
SecureBoot secure_boot_now();
// "on", or "OFF: ..." in words that fit a line.
std::string in_words(SecureBoot state);

}  // namespace ocu::init
