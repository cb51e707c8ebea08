// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/time_asker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "appliance/spawn.h"
#include "base/log.h"

namespace ocu::init {

namespace {

static_assert(proto::TimeConfig{}.key_exchange_wait + 4 * proto::TimeConfig{}.answer_wait < kTimeAnswerWait, "the helper gives up first");

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

std::optional<SocketAddress> address_of(std::string const& text, std::uint16_t port)
{
    SocketAddress out;
    auto* const four = reinterpret_cast<sockaddr_in*>(&out.storage);
    auto* const six = reinterpret_cast<sockaddr_in6*>(&out.storage);
    if (::inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        out.size = sizeof *four;
    } else if (::inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        out.size = sizeof *six;
    } else {
        return std::nullopt;
    }
    return out;
}

// Connected, or connecting. Errors: malformed, os.
Result<UniqueFd> connected(int type, std::string const& text, std::uint16_t port)
{
    auto const address = address_of(text, port);
    if (!address) return fail(Fault::malformed, "time server's address is not numeric");
    UniqueFd socket(::socket(address->storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_os("socket for a time server");
    if (::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address->storage), address->size) != 0 && errno != EINPROGRESS)
        return fail_os("connect to a time server");
    return socket;
}

// One helper at work. Owned by the watch alone; what it posts to the loop holds it weakly.
class Run : public std::enable_shared_from_this<Run> {
public:
    Run(wire::Loop& loop, std::string address, std::function<void(TimeAsker::Answer)> done)
        : loop_(loop), address_(std::move(address)), done_(std::move(done))
    {}

    void start(manifest::TimeServer const& server)
    {
        auto const started = begin(server);
        if (started) return;
        log::failure("time server cannot be asked", started.error());
        end(std::unexpected(proto::TimeFailure::unreachable));
    }

private:
    Result<void> begin(manifest::TimeServer const& server)
    {
        proto::TimeConfig config;
        if (!config.host.fits(server.host) || !config.address.fits(server.address) || !config.roots_pem.fits(server.ca_pem))
            return fail(Fault::over_limit, "time server's description is too long");
        config.host = server.host;
        config.address = server.address;
        config.roots_pem = server.ca_pem;
        std::vector<UniqueFd> descriptors;
        descriptors.push_back(OCU_TRY(connected(SOCK_STREAM, server.address, server.port)));
        auto spawned = OCU_TRY(appliance::start_helper(helper::Kind::time, wire::encode(config), descriptors));
        child_ = std::move(spawned.child);
        link_.emplace(
            loop_, std::move(spawned.link), wire::Link::Options{proto::kTimeMaySend}, [this](wire::Link::Frame frame) { hear(frame); },
            [this](wire::Lost) { end(std::unexpected(proto::TimeFailure::broken)); });
        limit_ = loop_.after(kTimeAnswerWait, [this] { end(std::unexpected(proto::TimeFailure::silent)); });
        return {};
    }

    void hear(wire::Link::Frame const& frame)
    {
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::time_socket_wanted:
            if (auto const wanted = wire::decode<proto::TimeSocketWanted>(frame.body)) return give_socket(wanted->port);
            break;
        case proto::Type::time_measured:
            if (auto const measured = wire::decode<proto::TimeMeasured>(frame.body)) return end(*measured);
            break;
        case proto::Type::time_failed:
            if (auto const failed = wire::decode<proto::TimeFailed>(frame.body)) return end(std::unexpected(failed->why));
            break;
        default:
            if (frame.type == helper::kReadyType) return;
        }
        link_->violation();
    }

    void give_socket(std::uint16_t port)
    {
        // One socket a measurement: a lost helper cannot use init to walk through the server's ports.
        if (std::exchange(socket_given_, true) || port == 0) return link_->violation();
        auto socket = connected(SOCK_DGRAM, address_, port);
        if (!socket) return end(std::unexpected(proto::TimeFailure::unreachable));
        std::vector<UniqueFd> descriptors;
        descriptors.push_back(*std::move(socket));
        link_->send(proto::TimeSocket{}, std::move(descriptors));
    }

    // Later, since the owner will destroy this object when it hears.
    void end(TimeAsker::Answer answer)
    {
        if (std::exchange(ended_, true)) return;
        loop_.post([weak = weak_from_this(), answer] {
            auto const self = weak.lock();
            if (self) self->done_(answer);
        });
    }

    wire::Loop& loop_;
    std::string address_;
    std::function<void(TimeAsker::Answer)> done_;
    helper::Child child_;
    std::optional<wire::Link> link_;
    wire::Watch limit_;
    bool socket_given_ = false;
    bool ended_ = false;
};

}  // namespace

wire::Watch HelperTimeAsker::ask(manifest::TimeServer const& server, std::function<void(Answer)> done)
{
    auto run = std::make_shared<Run>(loop_, server.address, std::move(done));
    run->start(server);
    return wire::Watch(run);
}

}  // namespace ocu::init
