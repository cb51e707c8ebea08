// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// openat2 with the one set of rules by which anything on a stick is opened: beneath the given directory, through no symbolic link and no
// other mount, close-on-exec, never waiting for a peer (a named pipe would).

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace ocu::stick {

// Empty, with errno set, when it cannot be opened.
inline UniqueFd open_beneath(int directory, char const* name, int flags, mode_t mode = 0)
{
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, name, &how, sizeof how)));
}

}  // namespace ocu::stick
