// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/lane.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "edge/resolver.h"

namespace ocu::edge {

namespace {

constexpr int kPerWake = 64;  // then the other lanes have their turn
constexpr std::uint16_t kDnsPort = 53;

Result<void> make_non_blocking(int fd)
{
    int const flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return fail_os("make a lane's socket non-blocking");
    return {};
}

// A datagram, who sent it, and the address that it was sent to.
struct Datagram {
    std::array<std::uint8_t, kDnsDatagramBytesMax> bytes;
    std::size_t size = 0;
    sockaddr_in from{};
    in_pktinfo to{};
    bool has_to = false;
};

using Control = std::array<std::byte, CMSG_SPACE(sizeof(in_pktinfo))>;

ssize_t receive(int fd, Datagram& datagram)
{
    iovec part{datagram.bytes.data(), datagram.bytes.size()};
    alignas(cmsghdr) Control control{};
    msghdr message{};
    message.msg_name = &datagram.from;
    message.msg_namelen = sizeof datagram.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t const got = ::recvmsg(fd, &message, MSG_DONTWAIT);
    if (got < 0) return got;
    datagram.size = static_cast<std::size_t>(got);
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
        std::memcpy(&datagram.to, CMSG_DATA(header), sizeof datagram.to);
        datagram.has_to = true;
    }
    return got;
}

// From the address that was asked: a resolver in the guest ignores an answer from anyone else.
void reply(int fd, Datagram const& datagram, std::span<std::uint8_t const> bytes)
{
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    sockaddr_in to = datagram.from;
    alignas(cmsghdr) Control control{};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (datagram.has_to) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        in_pktinfo info{};
        info.ipi_spec_dst = datagram.to.ipi_addr;
        std::memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    (void)::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);  // a lost answer is a lost datagram: the guest asks again
}

}  // namespace

Result<std::unique_ptr<Lane>> Lane::open(wire::Loop& loop, Clock const& clock, SessionId session, UniqueFd tcp_listener,
    UniqueFd dns_socket, ConnectionBudget& budget, std::function<void(proto::EgressDenied)> denied)
{
    OCU_CHECK(make_non_blocking(tcp_listener.get()));
    OCU_CHECK(make_non_blocking(dns_socket.get()));
    int const on = 1;
    if (::setsockopt(dns_socket.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) return fail_os("ask for the destination of datagrams");
    return std::unique_ptr<Lane>(new Lane(loop, clock, session, std::move(tcp_listener), std::move(dns_socket), budget, std::move(denied)));
}

Lane::Lane(wire::Loop& loop, Clock const& clock, SessionId session, UniqueFd tcp_listener, UniqueFd dns_socket, ConnectionBudget& budget,
    std::function<void(proto::EgressDenied)> denied)
    : loop_(loop), clock_(clock), session_(session), tcp_(std::move(tcp_listener)), dns_(std::move(dns_socket)), budget_(budget),
      denied_(std::move(denied))
{
    accept_watch_ = loop_.on_readable(tcp_.get(), [this] { accept_some(); });
    dns_watch_ = loop_.on_readable(dns_.get(), [this] { answer_some(); });
}

Lane::~Lane() { budget_.open -= connections_.size(); }

void Lane::accept_some()
{
    for (int i = 0; i < kPerWake; ++i) {
        UniqueFd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return;
        }
        adopt(std::move(fd));
    }
}

void Lane::adopt(UniqueFd fd)
{
    if (connections_.size() >= kConnectionsMax || budget_.open >= ConnectionBudget::kMax) {
        auto const destination = destination_of(fd.get());
        reset_on_close(fd.get());
        fd.reset();
        proto::EgressDenied event;
        event.session = session_;
        event.reason = proto::Reason::rate_exceeded;
        event.destination = wire::Text<64>::cut(destination.address);
        event.port = destination.port;
        event.count = 1;
        denied_(std::move(event));
        return;
    }
    std::uint64_t const number = ++last_number_;
    ++budget_.open;
    connections_.emplace(
        number, std::make_unique<Connection>(loop_, std::move(fd), session_, denied_, [this, number] { finished(number); }));
}

void Lane::finished(std::uint64_t number)
{
    connections_.erase(number);
    --budget_.open;
}

void Lane::answer_some()
{
    for (int i = 0; i < kPerWake; ++i)
        if (!answer_one()) return;
}

bool Lane::within_dns_rate()
{
    auto const now = clock_.now();
    if (now - dns_second_ >= std::chrono::seconds(1)) {
        dns_second_ = now;
        dns_count_ = 0;
    }
    return ++dns_count_ <= kDnsPerSecondMax;
}

// False when nothing is left to read.
bool Lane::answer_one()
{
    Datagram datagram;
    if (receive(dns_.get(), datagram) < 0) return errno == EINTR;
    if (!within_dns_rate()) {
        deny_dns(proto::Reason::rate_exceeded, "*");
        return true;
    }
    auto const refusal = refuse_query(std::span(datagram.bytes).first(datagram.size));
    if (refusal) reply(dns_.get(), datagram, refusal->reply);
    // What is no query at all is dropped without an answer, and counted like one whose question is not understood.
    deny_dns(refusal && !refusal->name.empty() ? proto::Reason::not_allowed : proto::Reason::protocol_denied,
        refusal ? refusal->name : std::string());
    return true;
}

void Lane::deny_dns(proto::Reason reason, std::string_view name)
{
    proto::EgressDenied event;
    event.session = session_;
    event.protocol = proto::EgressProtocol::dns;
    event.reason = reason;
    event.destination = "resolver";
    event.port = kDnsPort;
    event.name = wire::Text<256>::cut(name);
    event.count = 1;
    denied_(std::move(event));
}

}  // namespace ocu::edge
