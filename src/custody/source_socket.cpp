// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/source_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace ocu::custody {

Result<UniqueFd> connect_source(std::string const& path)
{
    sockaddr_un there{};
    there.sun_family = AF_UNIX;
    static_assert(sizeof there.sun_path == kSourcePathBytesMax + 1);
    if (!path.starts_with('/') || path.size() > kSourcePathBytesMax || path.contains('\0'))
        return fail(Fault::malformed, "not the path of a socket");
    std::memcpy(there.sun_path, path.data(), path.size());
    UniqueFd out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!out) return fail_os("make a socket");
    // Connected at once or not at all: a full queue is a source that does not answer.
    if (::connect(out.get(), reinterpret_cast<sockaddr const*>(&there), sizeof there) != 0) return fail_os("connect to a secret source");
    return out;
}

}  // namespace ocu::custody
