// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/ending.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace ocu::init {

namespace {

constexpr std::chrono::seconds kTimeToRead{10};

}  // namespace

void end_machine(Announcer const& announcer, Power power)
{
    announcer.say(power == Power::off ? "power off" : "restart");
    // Nothing of ours is mounted writable from a medium but the state; what is mounted read-only needs no unmounting.
    ::sync();
    ::reboot(power == Power::off ? RB_POWER_OFF : RB_AUTOBOOT);
    // A machine whose firmware cannot do it stands still here.
    announcer.say("this machine does not switch itself off: it may be switched off now");
    for (;;) ::pause();
}

void give_up(Announcer const& announcer, std::string_view why, Power power)
{
    announcer.say(why);
    announcer.say(power == Power::off ? "cannot go on; power off in 10 s" : "cannot go on; restart in 10 s");
    std::this_thread::sleep_for(kTimeToRead);
    end_machine(announcer, power);
}

}  // namespace ocu::init
