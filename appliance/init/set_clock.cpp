// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/set_clock.h"

#include <fcntl.h>
#include <linux/rtc.h>
#include <sys/ioctl.h>
#include <sys/timex.h>

#include <cstdlib>
#include <ctime>

#include "base/assert.h"
#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr std::chrono::seconds kCheckedWithin{1};  // an answer that took longer is dropped

std::chrono::nanoseconds now_on(clockid_t clock)
{
    timespec now{};
    OCU_ASSERT(::clock_gettime(clock, &now) == 0);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

SetClock::Reading SystemSetClock::read() const
{
    // The wall clock between two looks at the other: the middle is its instant.
    auto const before = now_on(CLOCK_MONOTONIC);
    auto const wall = now_on(CLOCK_REALTIME);
    return {wall, before + (now_on(CLOCK_MONOTONIC) - before) / 2};
}

Result<void> SystemSetClock::step(std::chrono::nanoseconds by)
{
    OCU_CHECK(slew({}));  // what is left of an earlier correction is part of what was measured
    auto const seconds = std::chrono::floor<std::chrono::seconds>(by);
    timex change{};
    change.modes = ADJ_SETOFFSET | ADJ_NANO;  // relative: no time is lost between looking and setting
    change.time.tv_sec = seconds.count();
    change.time.tv_usec = (by - seconds).count();  // nanoseconds, as ADJ_NANO says
    if (::adjtimex(&change) < 0) return fail_os("step the clock");
    return {};
}

Result<void> SystemSetClock::slew(std::chrono::nanoseconds by)
{
    OCU_ASSERT(std::chrono::abs(by) <= kSlewMax);
    timex change{};
    change.modes = ADJ_OFFSET_SINGLESHOT;
    change.offset = std::chrono::round<std::chrono::microseconds>(by).count();
    if (::adjtimex(&change) < 0) return fail_os("slew the clock");
    return {};
}

// The kernel adds half a millisecond to what may be wrong for each second, and takes the mark back at sixteen seconds.
Result<void> SystemSetClock::mark_checked()
{
    timex change{};
    change.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR;
    change.status = 0;  // without STA_UNSYNC
    change.maxerror = std::chrono::microseconds(kCheckedWithin).count();
    change.esterror = change.maxerror;
    if (::adjtimex(&change) < 0) return fail_os("mark the clock as checked");
    return {};
}

Result<void> SystemSetClock::write_hardware_clock()
{
    UniqueFd const device(::open("/dev/rtc0", O_RDONLY | O_CLOEXEC));
    if (!device) return fail_os("open the hardware clock");
    std::time_t const now = std::chrono::round<std::chrono::seconds>(read().wall).count();
    std::tm parts{};
    if (::gmtime_r(&now, &parts) == nullptr) return fail_os("hardware clock's date");
    rtc_time time{};
    time.tm_sec = parts.tm_sec;
    time.tm_min = parts.tm_min;
    time.tm_hour = parts.tm_hour;
    time.tm_mday = parts.tm_mday;
    time.tm_mon = parts.tm_mon;
    time.tm_year = parts.tm_year;
    if (::ioctl(device.get(), RTC_SET_TIME, &time) != 0) return fail_os("set the hardware clock");
    return {};
}

}  // namespace ocu::init
