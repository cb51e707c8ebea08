// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/splice.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "edge/limits.h"
#include "edge/sockets.h"

namespace ocu::edge {

namespace {

constexpr int kReadsPerWake = 8;  // then the other connections have their turn

}  // namespace

Splice::Splice(wire::Loop& loop, Clock const& clock, UniqueFd guest, std::string already, UniqueFd upstream, std::function<void()> ended)
    : loop_(loop), clock_(clock), guest_(std::move(guest)), upstream_(std::move(upstream)), ended_(std::move(ended)), last_moved_(clock.now())
{
    close_politely(guest_.get());
    up_.from = down_.to = guest_.get();
    up_.to = down_.from = upstream_.get();
    up_.held = std::move(already);
    pump(up_);
    if (!finished_) pump(down_);
}

void Splice::cut()
{
    if (finished_) return;
    reset_on_close(guest_.get());
    reset_on_close(upstream_.get());
    finish();
}

// Writes what is held. False while some of it stays.
bool Splice::flush(Way& way)
{
    while (way.sent < way.held.size()) {
        ssize_t const put = ::send(way.to, way.held.data() + way.sent, way.held.size() - way.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) return false;
        if (put < 0) {
            cut();
            return false;
        }
        way.sent += static_cast<std::size_t>(put);
        way.bytes += static_cast<std::uint64_t>(put);
        last_moved_ = clock_.now();
    }
    way.held.clear();
    way.sent = 0;
    return true;
}

// False when there is nothing to read now, or never again.
bool Splice::read_some(Way& way)
{
    // One for all connections of this thread: a connection at rest holds no buffer.
    static thread_local std::array<char, kSpliceBytesMax> chunk;
    ssize_t const got = ::recv(way.from, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got < 0) {
        cut();
        return false;
    }
    way.ended = got == 0;
    way.held.assign(chunk.data(), static_cast<std::size_t>(got));
    return true;
}

void Splice::pump(Way& way)
{
    for (int i = 0; i < kReadsPerWake; ++i) {
        if (!flush(way)) {
            if (finished_) return;
            way.readable.reset();
            if (!way.writable) way.writable = loop_.on_writable(way.to, [this, &way] { pump(way); });
            return;
        }
        way.writable.reset();
        if (way.ended) {
            way.readable.reset();
            if (!std::exchange(way.passed_on, true)) (void)::shutdown(way.to, SHUT_WR);
            if (up_.passed_on && down_.passed_on) finish();
            return;
        }
        if (!read_some(way)) break;
    }
    if (finished_ || way.ended || !way.held.empty()) {
        if (!finished_ && !way.writable) way.writable = loop_.on_writable(way.to, [this, &way] { pump(way); });
        return;
    }
    if (!way.readable) way.readable = loop_.on_readable(way.from, [this, &way] { pump(way); });
}

void Splice::finish()
{
    finished_ = true;
    up_.readable.reset();
    up_.writable.reset();
    down_.readable.reset();
    down_.writable.reset();
    // The thread has a duplicate of the upstream's: closing ours alone would tell the upstream nothing.
    (void)::shutdown(upstream_.get(), SHUT_RDWR);
    guest_.reset();
    upstream_.reset();
    last_word_ = loop_.after(std::chrono::milliseconds(0), [this] { std::exchange(ended_, nullptr)(); });
}

}  // namespace ocu::edge
