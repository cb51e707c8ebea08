// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/own_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace ocu::init {

namespace {

constexpr std::size_t kShownBytesMax = 400;

}  // namespace

Result<std::unique_ptr<OwnLog>> OwnLog::take(wire::Loop& loop, std::function<void(std::string_view line)> take)
{
    int ends[2] = {-1, -1};
    // Neither end may wait: this process is on both.
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail_os("make a pipe");
    std::unique_ptr<OwnLog> log(new OwnLog);
    log->read_end_ = UniqueFd(ends[0]);
    UniqueFd const write_end(ends[1]);
    if (::dup2(write_end.get(), STDOUT_FILENO) < 0 || ::dup2(write_end.get(), STDERR_FILENO) < 0) return fail_os("take the log over");
    log->take_ = std::move(take);
    log->watch_ = loop.on_readable(log->read_end_.get(), [self = log.get()] { self->read(); });
    return log;
}

void OwnLog::read()
{
    std::array<char, 4096> buffer;
    for (;;) {
        auto const got = ::read(read_end_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        lines_.feed({buffer.data(), static_cast<std::size_t>(got)}, take_);
    }
}

std::string printable_line(std::string_view line)
{
    std::string out(line.substr(0, kShownBytesMax));
    for (auto& c : out)
        if (c < 0x20 || c > 0x7e) c = '?';
    return out;
}

}  // namespace ocu::init
