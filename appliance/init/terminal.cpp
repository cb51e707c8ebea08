// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace ocu::init {

namespace {

constexpr int kLastWordsMs = 300;  // at 9600 baud a third of a kilobyte: the last lines of a shutdown
constexpr int kLookEveryMs = 10;

// The last close of a serial line waits half a minute for bytes that a dead one never takes. So: a moment for them, then they go.
void let_go_of_output(int fd)
{
    for (int waited = 0; waited < kLastWordsMs; waited += kLookEveryMs) {
        int unsent = 0;
        if (::ioctl(fd, TIOCOUTQ, &unsent) != 0 || unsent == 0) return;
        (void)::poll(nullptr, 0, kLookEveryMs);
    }
    (void)::tcflush(fd, TCOFLUSH);
}

}  // namespace

Result<Terminal> Terminal::open(std::string const& path)
{
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return fail_os("open a terminal");
    termios before{};
    if (::tcgetattr(fd.get(), &before) != 0) return fail(Fault::malformed, "not a terminal");
    auto raw = before;
    ::cfmakeraw(&raw);
    raw.c_cflag |= CLOCAL | CREAD;
    raw.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | HUPCL);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | IXANY);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (::tcsetattr(fd.get(), TCSANOW, &raw) != 0) return fail_os("set a terminal up");
    return Terminal(std::move(fd), before);
}

Terminal& Terminal::operator=(Terminal&& other) noexcept
{
    if (this == &other) return *this;
    close();
    fd_ = std::move(other.fd_);
    before_ = other.before_;
    return *this;
}

TerminalSize Terminal::size() const
{
    winsize size{};
    if (::ioctl(fd_.get(), TIOCGWINSZ, &size) != 0) return {};
    return {size.ws_row, size.ws_col};
}

void Terminal::drop_output() { (void)::tcflush(fd_.get(), TCOFLUSH); }

void Terminal::close()
{
    if (!fd_) return;
    let_go_of_output(fd_.get());
    (void)::tcsetattr(fd_.get(), TCSANOW, &before_);
    fd_.reset();
}

}  // namespace ocu::init
