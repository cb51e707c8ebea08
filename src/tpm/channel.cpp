// SPDX-License-Identifier: GPL-3.0-or-later
#include "tpm/channel.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

namespace ocu::tpm {

namespace {

// Every answer begins:  tag(2) size(4) code(4), the size being that of all of it. Big-endian.
constexpr std::size_t kHeaderBytes = 10;

std::size_t size_said(std::span<std::uint8_t const> header)
{
    return std::size_t{header[2]} << 24 | std::size_t{header[3]} << 16 | std::size_t{header[4]} << 8 | header[5];
}

}  // namespace

Channel::Channel(int fd, std::chrono::milliseconds whole) : fd_(fd), end_(std::chrono::steady_clock::now() + whole) {}

Result<void> Channel::wait(short events, std::chrono::steady_clock::time_point until) const
{
    for (;;) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) return fail(Fault::unavailable, "the TPM does not answer in time");
        pollfd entry{fd_, events, 0};
        int const ready = ::poll(&entry, 1, static_cast<int>(left.count()));
        if (ready > 0) return {};  // an error is told by the call that follows
        if (ready < 0 && errno != EINTR) return fail_os("wait for the TPM");
    }
}

Result<void> Channel::send(std::span<std::uint8_t const> command)
{
    auto const until = std::min(end_, std::chrono::steady_clock::now() + kAnswerWait);
    while (!command.empty()) {
        OCU_CHECK(wait(POLLOUT, until));
        ssize_t const put = ::write(fd_, command.data(), command.size());
        if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (put < 0) return fail_os("write to the TPM");
        command = command.subspan(static_cast<std::size_t>(put));
    }
    return {};
}

Result<std::vector<std::uint8_t>> Channel::receive()
{
    auto const until = std::min(end_, std::chrono::steady_clock::now() + kAnswerWait);
    std::vector<std::uint8_t> answer(kAnswerBytesMax);
    std::size_t have = 0;
    std::size_t wanted = kHeaderBytes;
    while (have < wanted) {
        OCU_CHECK(wait(POLLIN, until));
        // All that there is room for: some drivers drop what a short read leaves.
        ssize_t const got = ::read(fd_, answer.data() + have, answer.size() - have);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return fail_os("read from the TPM");
        if (got == 0) return fail(Fault::unavailable, "the TPM went away");
        have += static_cast<std::size_t>(got);
        if (have < kHeaderBytes) continue;
        wanted = size_said(answer);
        if (wanted < kHeaderBytes || wanted > kAnswerBytesMax || have > wanted)
            return fail(Fault::malformed, "the TPM's answer is not as long as it says");
    }
    answer.resize(have);
    return answer;
}

}  // namespace ocu::tpm
