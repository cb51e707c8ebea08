// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/monitor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "sandbox/exec_limits.h"

namespace ocu::sandbox {

Monitor::Monitor(wire::Loop& loop, Clock const& clock, UniqueFd listener, std::function<void(proto::ExecProgramsRun const&)> tell)
    : loop_(loop), clock_(clock), listener_(std::move(listener)), tell_(std::move(tell))
{
    readable_ = loop_.on_readable(listener_.get(), [this] { accept(); });
}

// The listener goes with its first connection: whoever comes later finds nobody.
void Monitor::accept()
{
    connection_ = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection_) return;
    listener_.reset();
    packet_.resize(kMonitorPacketBytesMax);
    readable_ = loop_.on_readable(connection_.get(), [this] { read(); });
}

void Monitor::read()
{
    take_in();
    tell_later();
}

void Monitor::take_in()
{
    for (std::size_t i = 0; i < kMonitorPacketsAtOnce && read_one(); ++i) {
    }
}

// False: nothing is there now, or never will be.
bool Monitor::read_one()
{
    if (!connection_) return false;
    iovec part{packet_.data(), packet_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    auto const got = ::recvmsg(connection_.get(), &message, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    bool const over = got <= 0;
    std::span<std::byte const> const bytes(packet_.data(), over ? 0 : static_cast<std::size_t>(got));
    if (!over && !greeted_) {
        auto const answer = monitor_handshake_answer();
        greeted_ = is_monitor_handshake(bytes) && ::write(connection_.get(), answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
        if (greeted_) return true;
        log::warning("a runtime monitor that does not greet");  // its guest does not start then
    }
    if (over || !greeted_) {
        readable_.reset();
        connection_.reset();
        return false;
    }
    auto packet = read_monitor_packet(bytes);
    if (packet) tally_.dropped_until_now(packet->dropped);
    if (packet && packet->program)
        tally_.add(*std::move(packet->program));
    else
        tally_.unreadable();  // we asked for programs alone
    return true;
}

void Monitor::catch_up()
{
    take_in();
    if (clock_.now() >= due_) return tell();
    tell_later();
}

void Monitor::tell_all()
{
    take_in();
    tell();
}

void Monitor::tell_later()
{
    if (tally_.empty() || timer_) return;
    auto const wait = std::chrono::ceil<std::chrono::milliseconds>(due_ - clock_.now());
    timer_ = loop_.after(std::clamp(wait, kProgramsGathered, kProgramsTold), [this] { tell(); });
}

void Monitor::tell()
{
    timer_.reset();  // it was for what is told now
    if (tally_.empty()) return;
    due_ = clock_.now() + kProgramsTold;
    tell_(tally_.take());
}

}  // namespace ocu::sandbox
