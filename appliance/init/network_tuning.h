// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the world may not do with our network, as settings of the kernel: no forwarding, no redirects, no source routes, no router's
// word on IPv6, and each card answers for its own addresses only.

#include <string>

#include "base/result.h"

namespace ocu::init {

// For the machine, and what devices that are yet to come begin with. Errors: os.
Result<void> tune_machine();

enum class ReversePath { off, strict };  // off: a DHCP server's broadcast can be heard while there is no route back to it
enum class Ipv6 { off, on };
Result<void> tune_device(std::string const& device, ReversePath reverse_path, Ipv6 ipv6);

}  // namespace ocu::init
