// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>

namespace ocu::guest {

namespace {

// The owner of a terminal's file is whoever opens the multiplexer. Real and saved id stay as they are: the guest's user can neither signal nor
// trace the agent meanwhile, and the way back is open.
class AsUser {
public:
    explicit AsUser(Place const& place) : changed_(place.become_user && be(place.user)) {}
    AsUser(AsUser const&) = delete;
    AsUser& operator=(AsUser const&) = delete;
    ~AsUser()
    {
        if (changed_ && !be(0)) ::_exit(1);
        // A change of id may make a process traceable, as the host is set up.
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }

private:
    static bool be(unsigned user) { return ::setresuid(static_cast<uid_t>(-1), user, static_cast<uid_t>(-1)) == 0; }
    bool changed_;
};

UniqueFd other_side(int ours)
{
    unsigned number = 0;
    int locked = 0;
    if (::ioctl(ours, TIOCSPTLCK, &locked) != 0 || ::ioctl(ours, TIOCGPTN, &number) != 0) return {};
    char path[32];
    std::snprintf(path, sizeof path, "/dev/pts/%u", number);
    return UniqueFd(::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

Result<Terminal> open_terminal(Place const& place, std::uint16_t rows, std::uint16_t columns)
{
    AsUser const as_user(place);
    Terminal terminal;
    terminal.ours = UniqueFd(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!terminal.ours) return fail_os("open a terminal");
    terminal.theirs = other_side(terminal.ours.get());
    if (!terminal.theirs) return fail_os("open a terminal's other side");
    resize(terminal.ours.get(), rows, columns);
    termios settings{};
    if (::tcgetattr(terminal.theirs.get(), &settings) == 0) {
        settings.c_iflag |= IUTF8;  // so that erasing takes whole characters
        ::tcsetattr(terminal.theirs.get(), TCSANOW, &settings);
    }
    return terminal;
}

void resize(int terminal, std::uint16_t rows, std::uint16_t columns)
{
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    ::ioctl(terminal, TIOCSWINSZ, &size);
}

}  // namespace ocu::guest
