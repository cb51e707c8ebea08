// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ocu {

void UniqueFd::reset(int fd)
{
    // A failing close() has nevertheless closed on Linux; where it matters (the log), fsync came before.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Result<SocketPair> make_socket_pair()
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return fail_os("socketpair");
    return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<UniqueFd> duplicate(int fd)
{
    int const copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return fail_os("duplicate descriptor");
    return UniqueFd(copy);
}

}  // namespace ocu
