// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/lend.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ocu::audit {

Result<UniqueFd> open_to_lend(int directory, std::string const& path)
{
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    UniqueFd file(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
    if (!file) return fail_os("open a file of the log to lend it");
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return fail(Fault::malformed, "a file of the log is not a plain one");
    return file;
}

}  // namespace ocu::audit
