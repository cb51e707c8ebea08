// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/signals.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace ocu::init {

Result<std::unique_ptr<Signals>> Signals::take(wire::Loop& loop, Events events)
{
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (int const each : {SIGCHLD, SIGINT, SIGTERM, SIGPWR, SIGHUP}) ::sigaddset(&wanted, each);
    if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0) return fail_os("block signals");
    UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return fail_os("signalfd");
    std::unique_ptr<Signals> signals(new Signals(std::move(fd), std::move(events)));
    signals->watch_ = loop.on_readable(signals->fd_.get(), [self = signals.get()] { self->read(); });
    return signals;
}

void Signals::read()
{
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGINT) events_.on_restart();
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGPWR) events_.on_stop();
    }
    reap();
}

// One SIGCHLD may stand for many. A helper's owner learns of its death by its pidfd and finds it reaped, which is as well.
void Signals::reap()
{
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) events_.on_child(pid, status);
}

}  // namespace ocu::init
