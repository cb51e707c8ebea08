// SPDX-License-Identifier: GPL-3.0-or-later
#include "helper/handed_secret.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <bit>

namespace ocu::helper {

namespace {

static_assert(std::endian::native == std::endian::little);

iovec part(std::span<std::byte const> bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

}  // namespace

Result<void> send_secret(int fd, Secret const& secret)
{
    auto const bytes = secret.bytes();
    if (bytes.empty() || bytes.size() > kHandedSecretBytesMax) return fail(Fault::over_limit, "a secret of a wrong size");
    std::array const size{static_cast<std::uint32_t>(bytes.size())};
    std::array parts{part(std::as_bytes(std::span(size))), part(bytes)};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    // Straight from the secret's own pages: no copy of it is left in memory of ours.
    ssize_t const sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EPIPE) return fail(Fault::unavailable, "the receiver is gone");
    if (sent < 0) return fail_os("hand a secret over");
    if (std::cmp_not_equal(sent, sizeof size + bytes.size())) return fail(Fault::unavailable, "the receiver's socket is full");
    return {};
}

Result<void> receive_exactly(int fd, std::span<std::byte> into, std::chrono::milliseconds wait)
{
    while (!into.empty()) {
        iovec target{into.data(), into.size()};
        msghdr message{};
        message.msg_iov = &target;
        message.msg_iovlen = 1;
        ssize_t const got = ::recvmsg(fd, &message, MSG_DONTWAIT);
        if (got == 0) return fail(Fault::unavailable, "custody has none to give");
        if (got < 0 && errno != EAGAIN && errno != EINTR) return fail_os("receive from custody");
        if (got > 0) {
            into = into.subspan(static_cast<std::size_t>(got));
            continue;
        }
        pollfd entry{fd, POLLIN, 0};
        if (::poll(&entry, 1, static_cast<int>(wait.count())) == 0) return fail(Fault::unavailable, "nothing came in time");
    }
    return {};
}

Result<SecretReceiver> SecretReceiver::make(UniqueFd from)
{
    return SecretReceiver(std::move(from), OCU_TRY(Secret::make(kHandedSecretBytesMax)));
}

Result<Secret> SecretReceiver::receive(std::chrono::milliseconds wait)
{
    std::array<std::uint32_t, 1> size{};
    OCU_CHECK(receive_exactly(from_.get(), std::as_writable_bytes(std::span(size)), wait));
    if (size[0] == 0 || size[0] > kHandedSecretBytesMax) return fail(Fault::malformed, "a secret of a wrong size");
    OCU_CHECK(receive_exactly(from_.get(), memory_.bytes().first(size[0]), wait));
    from_.reset();
    memory_.shorten(size[0]);
    return std::move(memory_);
}

}  // namespace ocu::helper
