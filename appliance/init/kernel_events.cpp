// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/kernel_events.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace ocu::init {

namespace {

constexpr unsigned kKernelGroup = 1;
constexpr std::size_t kDatagramBytesMax = 8192;
constexpr std::size_t kDeviceBytesMax = 31;
constexpr int kReceiveBufferBytes = 4 << 20;  // hundreds of disks may appear at once

bool is_device_name(std::string_view name)
{
    if (name.empty() || name.size() > kDeviceBytesMax || name.front() == '.') return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

// Everything that waits in the socket. False: the kernel dropped some.
bool receive_all(int socket, std::function<void(KernelEvent)> const& heard)
{
    bool whole = true;
    for (;;) {
        std::array<char, kDatagramBytesMax> buffer;
        sockaddr_nl from{};
        iovec part{buffer.data(), buffer.size()};
        msghdr message{};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        auto const got = ::recvmsg(socket, &message, MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS) {
            whole = false;
            continue;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return whole;
        // Other processes may send to a netlink group too; the kernel's port is 0.
        if (from.nl_pid != 0 || (message.msg_flags & MSG_TRUNC) != 0) continue;
        if (auto event = parse_kernel_event({buffer.data(), static_cast<std::size_t>(got)})) heard(std::move(*event));
    }
}

}  // namespace

std::optional<KernelEvent> parse_kernel_event(std::string_view datagram)
{
    std::string_view action;
    std::string_view subsystem;
    std::string_view name;
    std::string_view path;
    auto const value = [](std::string_view field, std::string_view key) { return field.substr(key.size()); };
    while (!datagram.empty()) {
        auto const end = datagram.find('\0');
        auto const field = datagram.substr(0, end);
        datagram.remove_prefix(end == std::string_view::npos ? datagram.size() : end + 1);
        if (field.starts_with("ACTION=")) action = value(field, "ACTION=");
        if (field.starts_with("SUBSYSTEM=")) subsystem = value(field, "SUBSYSTEM=");
        if (field.starts_with("DEVNAME=")) name = value(field, "DEVNAME=");
        if (field.starts_with("INTERFACE=")) name = value(field, "INTERFACE=");
        if (field.starts_with("DEVPATH=")) path = value(field, "DEVPATH=");
    }
    KernelEvent event;
    if (subsystem == "block")
        event.of = DeviceClass::block;
    else if (subsystem == "net" && path.find("/queues/") == std::string_view::npos)
        event.of = DeviceClass::net;
    else
        return std::nullopt;
    if (!is_device_name(name)) return std::nullopt;
    event.what = action == "remove" ? DeviceEvent::vanished : DeviceEvent::appeared;
    if (action != "add" && action != "change" && action != "remove" && action != "move") return std::nullopt;
    event.device = name;
    return event;
}

Result<KernelEvents> KernelEvents::listen(wire::Loop& loop, std::function<void(KernelEvent)> heard, std::function<void()> lost)
{
    UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    if (!socket) return fail_os("open a socket for kernel events");
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kKernelGroup;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return fail_os("listen to kernel events");
    auto watch = loop.on_readable(socket.get(), [number = socket.get(), heard = std::move(heard), lost = std::move(lost)] {
        if (!receive_all(number, heard)) lost();
    });
    return KernelEvents(std::move(socket), std::move(watch));
}

}  // namespace ocu::init
