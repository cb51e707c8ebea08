// SPDX-License-Identifier: GPL-3.0-or-later
#include "helper/frame.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <cstring>

#include "wire/link.h"

namespace ocu::helper {

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::chrono::milliseconds kWriteWait{5'000};
using ControlBuffer = std::array<std::byte, CMSG_SPACE(sizeof(int) * wire::kLinkDescriptorsMax)>;

Result<void> wait_for(int fd, short events, std::chrono::milliseconds wait)
{
    pollfd entry{fd, events, 0};
    int ready = 0;
    do ready = ::poll(&entry, 1, static_cast<int>(wait.count()));
    while (ready < 0 && errno == EINTR);
    if (ready < 0) return fail_os("poll");
    if (ready == 0) return fail(Fault::unavailable, "peer did not answer in time");
    return {};
}

Result<void> collect_descriptors(msghdr& message, std::vector<UniqueFd>& out)
{
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        std::size_t const count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            out.emplace_back(number);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) return fail(Fault::malformed, "descriptors cut off");
    return {};
}

Result<void> read_exactly(int fd, std::span<std::byte> into, std::vector<UniqueFd>& descriptors, std::chrono::milliseconds wait)
{
    while (!into.empty()) {
        iovec part{into.data(), into.size()};
        alignas(cmsghdr) ControlBuffer control{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        ssize_t const got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (got == 0) return fail(Fault::unavailable, "peer closed");
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            OCU_CHECK(wait_for(fd, POLLIN, wait));
            continue;
        }
        if (got < 0) return fail_os("recvmsg");
        OCU_CHECK(collect_descriptors(message, descriptors));
        into = into.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

}  // namespace

Result<RawFrame> read_frame(int fd, std::size_t body_bytes_max, std::chrono::milliseconds wait)
{
    RawFrame frame;
    std::array<std::byte, kHeaderBytes> head{};
    OCU_CHECK(read_exactly(fd, head, frame.descriptors, wait));
    std::uint32_t size = 0;
    std::uint16_t count = 0;
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(&size, head.data(), sizeof size);
    std::memcpy(&frame.type, head.data() + 4, sizeof frame.type);
    std::memcpy(&count, head.data() + 6, sizeof count);
    if (size > body_bytes_max || count > wire::kLinkDescriptorsMax) return fail(Fault::malformed, "frame too large");
    frame.body.resize(size);
    OCU_CHECK(read_exactly(fd, frame.body, frame.descriptors, wait));
    if (frame.descriptors.size() != count) return fail(Fault::malformed, "frame without its descriptors");
    return frame;
}

Result<void> write_frame(int fd, std::uint16_t type, std::span<std::byte const> body, std::span<int const> descriptors)
{
    wire::Bytes bytes(kHeaderBytes + body.size());
    auto const size = static_cast<std::uint32_t>(body.size());
    auto const count = static_cast<std::uint16_t>(descriptors.size());
    std::memcpy(bytes.data(), &size, sizeof size);
    std::memcpy(bytes.data() + 4, &type, sizeof type);
    std::memcpy(bytes.data() + 6, &count, sizeof count);
    if (!body.empty()) std::memcpy(bytes.data() + kHeaderBytes, body.data(), body.size());
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        iovec part{bytes.data() + sent, bytes.size() - sent};
        alignas(cmsghdr) ControlBuffer control{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (sent == 0 && !descriptors.empty()) {
            message.msg_control = control.data();
            message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
            cmsghdr* const header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
            std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
        }
        ssize_t const count_sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count_sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            OCU_CHECK(wait_for(fd, POLLOUT, kWriteWait));
            continue;
        }
        if (count_sent < 0) return fail_os("sendmsg");
        sent += static_cast<std::size_t>(count_sent);
    }
    return {};
}

}  // namespace ocu::helper
