// SPDX-License-Identifier: GPL-3.0-or-later
#include "helper/identity.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <bit>
#include <cstring>

#include "helper/handed_secret.h"

namespace ocu::helper {

namespace {

static_assert(std::endian::native == std::endian::little);
using Sizes = std::array<std::uint32_t, 2>;

iovec part(std::span<std::byte const> bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

}  // namespace

Result<void> send_identity(int fd, std::string_view certificate_pem, Secret const& key_pem)
{
    auto const key = key_pem.bytes();
    if (certificate_pem.empty() || certificate_pem.size() > kIdentityCertificateBytesMax || key.empty() ||
        key.size() > kIdentityKeyBytesMax)
        return fail(Fault::over_limit, "an identity of a wrong size");
    Sizes const sizes{static_cast<std::uint32_t>(certificate_pem.size()), static_cast<std::uint32_t>(key.size())};
    std::array parts{part(std::as_bytes(std::span(sizes))), part(std::as_bytes(std::span(certificate_pem))), part(key)};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    // Straight from the secret's own pages: no copy of it is left in memory of ours.
    ssize_t const sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EPIPE) return fail(Fault::unavailable, "the front is gone");
    if (sent < 0) return fail_os("hand an identity over");
    if (std::cmp_not_equal(sent, sizeof sizes + certificate_pem.size() + key.size()))
        return fail(Fault::unavailable, "the front's socket is full");
    return {};
}

Result<IdentityReceiver> IdentityReceiver::make(UniqueFd from)
{
    return IdentityReceiver(std::move(from), OCU_TRY(Secret::make(kIdentityKeyBytesMax)));
}

Result<Identity> IdentityReceiver::receive(std::chrono::milliseconds wait)
{
    Sizes sizes{};
    OCU_CHECK(receive_exactly(from_.get(), std::as_writable_bytes(std::span(sizes)), wait));
    auto const [certificate_size, key_size] = sizes;
    if (certificate_size == 0 || certificate_size > kIdentityCertificateBytesMax || key_size == 0 || key_size > kIdentityKeyBytesMax)
        return fail(Fault::malformed, "an identity of a wrong size");
    Identity identity;
    identity.certificate_pem.resize(certificate_size);
    OCU_CHECK(receive_exactly(from_.get(), std::as_writable_bytes(std::span(identity.certificate_pem)), wait));
    OCU_CHECK(receive_exactly(from_.get(), memory_.bytes().first(key_size), wait));
    from_.reset();
    identity.key_pem = std::move(memory_);
    identity.key_pem.shorten(key_size);
    return identity;
}

}  // namespace ocu::helper
