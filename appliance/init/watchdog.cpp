// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/watchdog.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ocu::init {

namespace {

constexpr int kTimeoutSeconds = 60;
constexpr std::chrono::milliseconds kFeedEvery{10'000};

}  // namespace

bool Watchdog::start()
{
    device_ = UniqueFd(::open("/dev/watchdog", O_WRONLY | O_CLOEXEC));
    if (!device_) return false;
    int timeout = kTimeoutSeconds;
    (void)::ioctl(device_.get(), WDIOC_SETTIMEOUT, &timeout);  // some hardware has one time only
    feed();
    return true;
}

void Watchdog::feed()
{
    (void)::ioctl(device_.get(), WDIOC_KEEPALIVE, nullptr);
    next_ = loop_.after(kFeedEvery, [this] { feed(); });
}

void Watchdog::stop()
{
    next_.reset();
    if (!device_) return;
    constexpr char kMeant = 'V';
    [[maybe_unused]] auto const written = ::write(device_.get(), &kMeant, 1);
    device_.reset();
}

}  // namespace ocu::init
