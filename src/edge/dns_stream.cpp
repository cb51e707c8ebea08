// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/dns_stream.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "edge/limits.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kLengthBytes = 2;

}  // namespace

void DnsFrames::add(std::span<std::uint8_t const> bytes)
{
    OCU_ASSERT(bytes.size() <= room());
    held_.insert(held_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<std::vector<std::uint8_t>>> DnsFrames::next()
{
    using Message = std::optional<std::vector<std::uint8_t>>;
    if (held_.size() < kLengthBytes) return Message();
    std::size_t const length = static_cast<std::size_t>(held_[0]) << 8 | held_[1];
    if (length == 0 || length > kDnsDatagramBytesMax) return fail(Fault::over_limit, "a DNS message of that length is not served");
    if (held_.size() < kLengthBytes + length) return Message();
    auto const begin = held_.begin() + kLengthBytes;
    auto const end = begin + static_cast<std::ptrdiff_t>(length);
    std::vector<std::uint8_t> message(begin, end);
    held_.erase(held_.begin(), end);
    return Message(std::move(message));
}

std::vector<std::uint8_t> DnsFrames::framed(std::span<std::uint8_t const> message)
{
    std::vector<std::uint8_t> out{static_cast<std::uint8_t>(message.size() >> 8), static_cast<std::uint8_t>(message.size() & 0xff)};
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

DnsStream::DnsStream(wire::Loop& loop, UniqueFd fd, Calls calls) : loop_(loop), fd_(std::move(fd)), calls_(std::move(calls))
{
    read_watch_ = loop_.on_readable(fd_.get(), [this] { readable(); });
    wait();
}

void DnsStream::wait()
{
    deadline_ = loop_.after(kDnsStreamIdle, [this] { end(); });
}

void DnsStream::readable()
{
    std::array<std::uint8_t, kDnsDatagramBytesMax> chunk;
    ssize_t const got = ::recv(fd_.get(), chunk.data(), std::min(chunk.size(), frames_.room()), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end();
    frames_.add(std::span(chunk).first(static_cast<std::size_t>(got)));
    for (;;) {
        auto const message = frames_.next();
        if (!message) return end();
        if (!*message) return;
        wait();
        if (!calls_.question(**message)) return end();
        if (!fd_) return;  // an answer at once that could not be written
    }
}

void DnsStream::answer(std::span<std::uint8_t const> message)
{
    if (!fd_ || message.size() > 0xffff) return;
    auto const bytes = DnsFrames::framed(message);
    if (out_.size() + bytes.size() > kDnsStreamBytesMax) return end();
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    write_some();
}

void DnsStream::write_some()
{
    ssize_t const sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return end();
    if (sent > 0) out_.erase(out_.begin(), out_.begin() + sent);
    if (out_.empty())
        write_watch_.reset();
    else if (!write_watch_)
        write_watch_ = loop_.on_writable(fd_.get(), [this] { write_some(); });
}

void DnsStream::end()
{
    if (!fd_) return;
    read_watch_.reset();
    write_watch_.reset();
    deadline_.reset();
    fd_.reset();
    calls_.over();
}

}  // namespace ocu::edge
