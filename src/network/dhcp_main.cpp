// SPDX-License-Identifier: GPL-3.0-or-later
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "appliance/profiles/dhcp.h"
#include "base/assert.h"
#include "network/dhcp_client.h"
#include "network/helpers.h"
#include "proto/dhcp_to_init.h"

namespace ocu::network {

namespace {

constexpr std::uint16_t kServerPort = 67;
constexpr int kMessagesPerTurn = 32;  // then timers have their turn: a flood keeps nobody from them

std::uint32_t random_number()
{
    std::uint32_t value = 0;
    OCU_ASSERT(::getrandom(&value, sizeof value, 0) == sizeof value);
    return value;
}

class Conversation {
public:
    Conversation(UniqueFd socket, Mac mac, UniqueFd link)
        : socket_(std::move(socket)), client_(clock_, random_number, mac),
          link_(
              loop_, std::move(link), {proto::kInitMaySendDhcp}, [](wire::Link::Frame const&) {}, [this](wire::Lost) { loop_.stop(); })
    {}

    void run()
    {
        readable_ = loop_.on_readable(socket_.get(), [this] { read(); });
        take(client_.start());
        loop_.run();
    }

private:
    void read()
    {
        for (int turn = 0; turn < kMessagesPerTurn; ++turn) {
            std::array<std::byte, kMessageBytesMax + 1> bytes;
            sockaddr_in from{};
            iovec part{bytes.data(), bytes.size()};
            msghdr message{};
            message.msg_name = &from;
            message.msg_namelen = sizeof from;
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            auto const size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
            if (size < 0) return;
            if (from.sin_family != AF_INET || ntohs(from.sin_port) != kServerPort) continue;
            take(client_.on_message(std::span(bytes).first(static_cast<std::size_t>(size))));
        }
    }

    void take(Step const& step)
    {
        for (auto const& each : step.send) send(each);
        if (step.lost) link_.send(proto::DhcpLost{*step.lost == Loss::expired ? proto::DhcpLoss::expired : proto::DhcpLoss::refused});
        if (step.lease)
            link_.send(proto::DhcpLease{step.lease->address, step.lease->prefix, step.lease->gateway, step.lease->server,
                static_cast<std::uint32_t>(step.lease->valid.count())});
        auto const wait = std::chrono::ceil<std::chrono::milliseconds>(client_.wake_at() - clock_.now());
        timer_ = loop_.after(std::max(wait, std::chrono::milliseconds(0)), [this] { take(client_.on_time()); });
    }

    // What cannot be sent now (no carrier, no route) is sent again when its wait is over.
    void send(Outgoing const& outgoing)
    {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(kServerPort);
        to.sin_addr.s_addr = htonl(outgoing.to == 0 ? INADDR_BROADCAST : outgoing.to);
        iovec part{const_cast<std::byte*>(outgoing.message.data()), outgoing.message.size()};
        msghdr message{};
        message.msg_name = &to;
        message.msg_namelen = sizeof to;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        (void)::sendmsg(socket_.get(), &message, MSG_DONTWAIT);
    }

    SystemClock clock_;
    wire::Loop loop_;
    UniqueFd socket_;
    DhcpClient client_;
    wire::Link link_;
    wire::Watch readable_;
    wire::Watch timer_;
};

}  // namespace

// Entered by re-execution: `ocu-appliance helper dhcp`. One for each interface that has its address from a server.
Result<void> dhcp_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::DhcpConfig>());
    if (helper.descriptors().size() != 1) return fail(Fault::malformed, "not one socket");
    UniqueFd socket = std::move(helper.descriptors().front());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kDhcp));
    OCU_CHECK(helper.confine(profiles::kDhcp));
    Conversation(std::move(socket), config.mac, OCU_TRY(helper.report_ready())).run();
    return {};
}

}  // namespace ocu::network
