// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The kernel's word that a device came or went (uevents). There is no udev: this is all of it. Only what the kernel itself sent is heard;
// a device's name is the one thing that is read, and it is checked.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::init {

enum class DeviceEvent { appeared, vanished };
enum class DeviceClass { block, net };

struct KernelEvent {
    DeviceEvent what{};
    DeviceClass of{};
    std::string device;  // [a-zA-Z0-9._-]{1,31}: a path component, never "." or ".."
};

// "ACTION@PATH\0KEY=VALUE\0...". Nothing: not about a block or network device, or malformed. Pure.
std::optional<KernelEvent> parse_kernel_event(std::string_view datagram);

class KernelEvents {
public:
    // `heard` for each; `lost` when the kernel had to drop some: look at everything again. Errors: os.
    static Result<KernelEvents> listen(wire::Loop& loop, std::function<void(KernelEvent)> heard, std::function<void()> lost);

private:
    KernelEvents(UniqueFd socket, wire::Watch watch) : socket_(std::move(socket)), watch_(std::move(watch)) {}

    UniqueFd socket_;
    wire::Watch watch_;
};

}  // namespace ocu::init
