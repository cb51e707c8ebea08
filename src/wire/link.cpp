// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/link.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/secret.h"

namespace ocu::wire {

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kReadChunkBytes = 64u << 10;

template <class T>
T read_integer(std::byte const* at)
{
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(at[i]) << (8 * i)));
    return value;
}

template <class T>
void append_integer(Bytes& out, T value)
{
    for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xff));
}

}  // namespace

Link::Link(Loop& loop, UniqueFd fd, Options options, std::function<void(Frame)> on_frame, std::function<void(Lost)> on_lost)
    : loop_(loop), fd_(std::move(fd)), options_(options), on_frame_(std::move(on_frame)), on_lost_(std::move(on_lost))
{
    resume_reading();
}

Link::~Link()
{
    *alive_ = false;
    forget_queue();
}

void Link::forget(Bytes& bytes) const
{
    if (options_.wipe_sent == WipeSent::yes) wipe(bytes);
}

void Link::forget_queue()
{
    for (Outgoing& frame : out_) forget(frame.bytes);
    out_.clear();
    queued_bytes_ = 0;
}

void Link::send_frame(std::uint16_t type, Bytes body, std::vector<UniqueFd> descriptors)
{
    if (lost_) return forget(body);
    OCU_ASSERT(descriptors.size() <= kLinkDescriptorsMax);
    Outgoing frame;
    frame.bytes.reserve(kHeaderBytes + body.size());
    append_integer(frame.bytes, static_cast<std::uint32_t>(body.size()));
    append_integer(frame.bytes, type);
    append_integer(frame.bytes, static_cast<std::uint16_t>(descriptors.size()));
    frame.bytes.insert(frame.bytes.end(), body.begin(), body.end());
    forget(body);
    frame.descriptors = std::move(descriptors);
    queued_bytes_ += frame.bytes.size();
    out_.push_back(std::move(frame));
    if (out_.size() == 1) writable();
    if (queued_bytes_ > options_.queue_bytes_max) lose(Lost::overflow);
}

ssize_t Link::send_head(std::size_t offset)
{
    Outgoing& frame = out_.front();
    iovec part{frame.bytes.data() + offset, frame.bytes.size() - offset};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * kLinkDescriptorsMax)> control{};
    if (offset == 0 && !frame.descriptors.empty()) {
        std::array<int, kLinkDescriptorsMax> numbers{};
        std::size_t const count = frame.descriptors.size();
        for (std::size_t i = 0; i < count; ++i) numbers[i] = frame.descriptors[i].get();
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        std::memcpy(CMSG_DATA(header), numbers.data(), sizeof(int) * count);
    }
    return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Link::writable()
{
    while (!lost_ && !out_.empty()) {
        Outgoing& frame = out_.front();
        ssize_t const sent = send_head(frame.sent);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                if (!write_watch_) write_watch_ = loop_.on_writable(fd_.get(), [this] { writable(); });
                return;
            }
            // The peer is gone. Say so from the loop, not from inside a caller's send().
            write_watch_.reset();
            loop_.post([this, alive = std::weak_ptr(alive_)] {
                if (alive.lock()) lose(Lost::closed);
            });
            return;
        }
        frame.sent += static_cast<std::size_t>(sent);
        frame.descriptors.clear();
        queued_bytes_ -= static_cast<std::size_t>(sent);
        if (frame.sent < frame.bytes.size()) continue;
        forget(frame.bytes);
        out_.pop_front();
    }
    write_watch_.reset();
}

void Link::pause_reading() { read_watch_.reset(); }

void Link::resume_reading()
{
    if (lost_ || read_watch_) return;
    read_watch_ = loop_.on_readable(fd_.get(), [this] { readable(); });
    if (in_.empty()) return;
    loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (alive.lock()) (void)take_frames();
    });
}

bool Link::read_some()
{
    std::size_t const old_size = in_.size();
    in_.resize(old_size + kReadChunkBytes);
    iovec part{in_.data() + old_size, kReadChunkBytes};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * kLinkDescriptorsMax)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    // Where no permit has descriptors there is no room for any: what a hostile peer attaches is closed by the kernel and said to be cut.
    bool const takes_descriptors = std::ranges::any_of(options_.permits, [](Permit const& each) { return each.descriptors > 0; });
    if (takes_descriptors) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
    }
    ssize_t const got = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    in_.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return true;
        lose(Lost::closed);
        return false;
    }
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        std::size_t const count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            in_descriptors_.emplace_back(number);
        }
    }
    // Those of a frame that is not whole yet, and those just read; more belong to no frame and would only pile up (T-14).
    if (in_descriptors_.size() > 2 * kLinkDescriptorsMax) {
        lose(Lost::violation);
        return false;
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        lose(Lost::violation);
        return false;
    }
    if (got == 0) {
        lose(Lost::closed);
        return false;
    }
    return true;
}

// Delivers every whole frame that has arrived. False when this link is lost or gone.
bool Link::take_frames()
{
    while (in_.size() - in_start_ >= kHeaderBytes) {
        std::byte const* const head = in_.data() + in_start_;
        auto const size = read_integer<std::uint32_t>(head);
        auto const type = read_integer<std::uint16_t>(head + 4);
        auto const count = read_integer<std::uint16_t>(head + 6);
        auto const permit = std::ranges::find(options_.permits, type, &Permit::type);
        // Refused by its header alone, before its body is buffered (invariant 11).
        if (permit == options_.permits.end() || size > permit->body_bytes_max || count != permit->descriptors) {
            lose(Lost::violation);
            return false;
        }
        if (in_.size() - in_start_ < kHeaderBytes + size) break;
        if (in_descriptors_.size() < count) {
            lose(Lost::violation);
            return false;
        }
        Frame frame{type, std::span(in_).subspan(in_start_ + kHeaderBytes, size), {}};
        for (std::uint16_t i = 0; i < count; ++i) {
            frame.descriptors.push_back(std::move(in_descriptors_.front()));
            in_descriptors_.pop_front();
        }
        in_start_ += kHeaderBytes + size;
        auto const alive = alive_;
        on_frame_(std::move(frame));
        if (!*alive || lost_) return false;
        if (!read_watch_) break;  // paused by the handler; what is buffered waits
    }
    if (in_start_ == in_.size()) {
        in_.clear();
        in_start_ = 0;
    } else if (in_start_ > kReadChunkBytes) {
        in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(in_start_));
        in_start_ = 0;
    }
    return true;
}

void Link::readable()
{
    if (read_some()) (void)take_frames();
}

void Link::violation() { lose(Lost::violation); }

void Link::lose(Lost why)
{
    if (lost_) return;
    lost_ = true;
    read_watch_.reset();
    write_watch_.reset();
    forget_queue();
    auto const handler = on_lost_;  // the handler may destroy this link
    handler(why);
}

}  // namespace ocu::wire
