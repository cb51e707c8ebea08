// SPDX-License-Identifier: GPL-3.0-or-later
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/spawner.h"

namespace ocu::helper {

Child& Child::operator=(Child&& other) noexcept
{
    if (this == &other) return *this;
    end();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    return *this;
}

void Child::kill() const
{
    if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

void Child::forget()
{
    kill();
    pidfd_.reset();
    pid_ = -1;
}

void Child::end()
{
    if (!pidfd_) return;
    kill();
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
    }
    pidfd_.reset();
    pid_ = -1;
}

}  // namespace ocu::helper
