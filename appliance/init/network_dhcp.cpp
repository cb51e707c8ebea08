// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/network_dhcp.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "appliance/spawn.h"
#include "base/log.h"
#include "helper/helper.h"

namespace ocu::init {

namespace {

constexpr std::uint16_t kClientPort = 68;
constexpr int kReceiveBytes = 64 << 10;  // a flood is dropped by the kernel
constexpr std::chrono::seconds kPauseMax{60};

constexpr std::array kMaySend{wire::Permit{helper::kReadyType, 0, 64}, proto::kDhcpMaySend[0], proto::kDhcpMaySend[1]};

Result<UniqueFd> client_socket(std::string const& device)
{
    UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_os("DHCP socket");
    int const on = 1;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), static_cast<socklen_t>(device.size())) != 0)
        return fail_os("bind DHCP socket to its card");
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0) return fail_os("SO_BROADCAST");
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof kReceiveBytes) != 0) return fail_os("SO_RCVBUF");
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(kClientPort);
    if (::bind(socket.get(), reinterpret_cast<sockaddr const*>(&any), sizeof any) != 0) return fail_os("bind DHCP socket");
    return socket;
}

std::array<std::uint8_t, 6> bytes_of(std::string const& mac)
{
    std::array<std::uint8_t, 6> out{};
    for (std::size_t i = 0; i < out.size() && 3 * i + 2 <= mac.size(); ++i)
        std::from_chars(mac.data() + 3 * i, mac.data() + 3 * i + 2, out[i], 16);
    return out;
}

}  // namespace

DhcpLine::DhcpLine(wire::Loop& loop, std::string device, std::string mac, Events events)
    : loop_(loop), device_(std::move(device)), mac_(std::move(mac)), events_(std::move(events))
{
    start();
}

DhcpLine::~DhcpLine() = default;

void DhcpLine::start()
{
    retry_.reset();
    auto const started = try_start();
    if (started) return;
    log::failure("DHCP cannot be started", started.error());
    ended();
}

Result<void> DhcpLine::try_start()
{
    std::vector<UniqueFd> sockets;
    sockets.push_back(OCU_TRY(client_socket(device_)));
    auto spawned = OCU_TRY(appliance::start_helper(helper::Kind::dhcp, wire::encode(proto::DhcpConfig{bytes_of(mac_)}), sockets));
    child_ = std::move(spawned.child);
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(spawned.link), wire::Link::Options{kMaySend}, [this](wire::Link::Frame const& frame) { heard(frame); },
        // Later: a link may not be destroyed from within.
        [this](wire::Lost) { retry_ = loop_.after(std::chrono::milliseconds(0), [this] { ended(); }); });
    return {};
}

void DhcpLine::heard(wire::Link::Frame const& frame)
{
    if (frame.type == helper::kReadyType) return;
    if (frame.type == static_cast<std::uint16_t>(proto::Type::dhcp_lease)) {
        if (auto const lease = wire::decode<proto::DhcpLease>(frame.body)) {
            ends_ = 0;
            return events_.on_lease(*lease);
        }
    } else if (auto const lost = wire::decode<proto::DhcpLost>(frame.body)) {
        return events_.on_lost(lost->why);
    }
    link_->violation();
}

void DhcpLine::ended()
{
    link_.reset();
    child_.kill();
    child_.end();
    child_ = {};
    auto const pause = std::min<std::chrono::seconds>(std::chrono::seconds(1 << std::min(ends_++, 6)), kPauseMax);
    retry_ = loop_.after(pause, [this] { start(); });
}

}  // namespace ocu::init
