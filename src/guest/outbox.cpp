// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/outbox.h"

#include <unistd.h>

#include <cerrno>

namespace ocu::guest {

Result<void> Outbox::flush(int channel)
{
    std::size_t sent = 0;
    while (sent < bytes_.size()) {
        ssize_t const wrote = ::write(channel, bytes_.data() + sent, bytes_.size() - sent);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (wrote < 0) return fail_os("write to channel");
        sent += static_cast<std::size_t>(wrote);
    }
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent));
    return {};
}

}  // namespace ocu::guest
