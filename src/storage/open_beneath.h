// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// openat2 with the one set of rules that this role opens anything by: beneath the given directory, through no symbolic link and no
// other mount, close-on-exec (T-08).

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "base/unique_fd.h"

namespace ocu::storage {

// Empty, with errno set, when it cannot be opened.
inline UniqueFd open_beneath(int directory, std::string const& path, int flags, mode_t mode = 0)
{
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOFOLLOW));
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

}  // namespace ocu::storage
