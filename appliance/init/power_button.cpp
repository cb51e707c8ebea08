// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/power_button.h"

#include <fcntl.h>
#include <linux/input.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <string>

namespace ocu::init {

namespace {

constexpr int kInputDevicesMax = 32;
constexpr std::size_t kKeyBytes = KEY_MAX / 8 + 1;

bool is_power_button(int device)
{
    std::array<std::uint8_t, kKeyBytes> keys{};
    if (::ioctl(device, EVIOCGBIT(EV_KEY, kKeyBytes), keys.data()) < 0) return false;
    auto const has = [&](unsigned key) { return (keys[key / 8] >> (key % 8) & 1) != 0; };
    // Multimedia keyboards have a power key as well, next to the letters: whoever can plug one in is not whoever may press the button.
    return has(KEY_POWER) && !has(KEY_A);
}

}  // namespace

PowerButton::PowerButton(wire::Loop& loop, std::function<void()> pressed) : pressed_(std::move(pressed))
{
    for (int number = 0; number < kInputDevicesMax; ++number) {
        UniqueFd device(::open(("/dev/input/event" + std::to_string(number)).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (device && is_power_button(device.get())) devices_.push_back(std::move(device));
    }
    for (std::size_t i = 0; i < devices_.size(); ++i) watches_.push_back(loop.on_readable(devices_[i].get(), [this, i] { take(i); }));
}

void PowerButton::take(std::size_t index)
{
    for (;;) {
        input_event event{};
        auto const got = ::read(devices_[index].get(), &event, sizeof event);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got != static_cast<ssize_t>(sizeof event)) return watches_[index].reset();  // the device went away
        if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1) pressed_();
    }
}

}  // namespace ocu::init
