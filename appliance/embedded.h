// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Files that ride inside the program (embedded.S).

#include <string_view>

extern "C" char const ocu_guest_begin[];
extern "C" char const ocu_guest_end[];

namespace ocu::appliance {

// The guest's agent: a static program of its own.
inline std::string_view embedded_guest() { return {ocu_guest_begin, static_cast<std::size_t>(ocu_guest_end - ocu_guest_begin)}; }

}  // namespace ocu::appliance
