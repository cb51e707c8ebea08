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
constexpr std::size_t kPieceBytes = 32u << 10;  // larger ones leave the two sides waiting for each other
static_assert(kPieceBytes <= kSpliceBytesMax);

}  // namespace

Splice::Splice(wire::Loop& loop, Clock const& clock, UniqueFd guest, std::string already, UniqueFd upstream, std::function<void()> ended)
    : loop_(loop), clock_(clock), guest_(std::move(guest)), upstream_(std::move(upstream)), ended_(std::move(ended)), last_moved_(clock.now())
{
    close_politely(guest_.get());
    up_.from = down_.to = guest_.get();
    up_.to = down_.from = upstream_.get();
    up_.held = std::move(already);
    guest_ready_ = {loop, guest_.get(), [this] { pump(up_); }, [this] { pump(down_); }};
    upstream_ready_ = {loop, upstream_.get(), [this] { pump(down_); }, [this] { pump(up_); }};
    up_.source = down_.sink = &guest_ready_;
    up_.sink = down_.source = &upstream_ready_;
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

// How many bytes of these the other side took. Fewer than all: it takes no more now, or this has been cut.
std::size_t Splice::send_some(Way& way, std::string_view bytes)
{
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        ssize_t const put = ::send(way.to, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) break;
        if (put < 0) {
            cut();
            break;
        }
        sent += static_cast<std::size_t>(put);
        way.bytes += static_cast<std::uint64_t>(put);
        last_moved_ = clock_.now();
    }
    return sent;
}

// Writes what is held. False while some of it stays.
bool Splice::flush(Way& way)
{
    way.sent += send_some(way, std::string_view(way.held).substr(way.sent));
    if (way.sent < way.held.size()) return false;
    way.held.clear();
    way.sent = 0;
    return true;
}

// Reads once, and holds what could not be written at once. False when no more is there now, as far as a short read tells, or never again.
bool Splice::move_some(Way& way)
{
    // One for all connections of this thread: a connection at rest holds no buffer.
    static thread_local std::array<char, kPieceBytes> chunk;
    ssize_t const got = ::recv(way.from, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got < 0) {
        cut();
        return false;
    }
    way.ended = got == 0;
    std::string_view const bytes(chunk.data(), static_cast<std::size_t>(got));
    auto const sent = send_some(way, bytes);
    if (finished_) return false;
    way.held.assign(bytes.substr(sent));
    return way.ended || bytes.size() == chunk.size() || !way.held.empty();
}

void Splice::pump(Way& way)
{
    for (int i = 0; i < kReadsPerWake; ++i) {
        if (!flush(way)) {
            if (!finished_) way.sink->want_write();
            return;
        }
        if (way.ended) {
            if (!std::exchange(way.passed_on, true)) (void)::shutdown(way.to, SHUT_WR);
            if (up_.passed_on && down_.passed_on) finish();
            return;
        }
        if (!move_some(way)) break;
    }
    if (finished_) return;
    way.ended || !way.held.empty() ? way.sink->want_write() : way.source->want_read();
}

void Splice::finish()
{
    finished_ = true;
    guest_ready_.reset();
    upstream_ready_.reset();
    // The thread has a duplicate of the upstream's: closing ours alone would tell the upstream nothing.
    (void)::shutdown(upstream_.get(), SHUT_RDWR);
    guest_.reset();
    upstream_.reset();
    last_word_ = loop_.after(std::chrono::milliseconds(0), [this] { std::exchange(ended_, nullptr)(); });
}

}  // namespace ocu::edge
