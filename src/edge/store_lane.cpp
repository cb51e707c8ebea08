// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/store_lane.h"

#include <sys/socket.h>

#include <algorithm>

#include "edge/sockets.h"

namespace ocu::edge {

using proto::LaneConnection;
using proto::LaneDeed;
using proto::LaneFailure;
using proto::LaneId;

namespace {

constexpr std::size_t kQueueBytesMax = 16u << 10;  // unread answers to who asks

std::chrono::milliseconds since(Monotonic began, Monotonic now)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - began);
}

}  // namespace

StoreLane::StoreLane(wire::Loop& loop, Clock const& clock, StorePlaces places, Calls calls, StorePlaces cold)
    : loop_(loop), clock_(clock), store_{std::move(places)}, cold_{std::move(cold)}, calls_(std::move(calls))
{}
StoreLane::~StoreLane() = default;

StoreLane::Channel* StoreLane::find(LaneId lane)
{
    auto const found = channels_.find(lane);
    return found == channels_.end() ? nullptr : &found->second;
}

StoreLane::Connection* StoreLane::find(LaneId lane, std::uint64_t serial)
{
    Channel* const channel = find(lane);
    if (channel == nullptr) return nullptr;
    auto const found = channel->connections.find(serial);
    return found == channel->connections.end() ? nullptr : found->second.get();
}

Result<void> StoreLane::open(LaneId lane, UniqueFd fd, bool cold)
{
    if (channels_.contains(lane)) return fail(Fault::conflict, "a lane's number is used already");
    if (channels_.size() >= kLanesMax) return fail(Fault::over_limit, "too many lanes");
    Channel& channel = channels_[lane];
    channel.store = cold ? &cold_ : &store_;
    channel.refilled = clock_.now();
    channel.link = std::make_unique<wire::Link>(
        loop_, std::move(fd), wire::Link::Options{proto::kBrokerMaySendLane, kQueueBytesMax},
        [this, lane](wire::Link::Frame const& frame) { said(lane, frame); },
        [this, lane, alive = std::weak_ptr(alive_)](wire::Lost) {
            // Whatever the reason: without its channel a connection has no owner. Not from within the link's own call.
            loop_.post([this, lane, alive] {
                if (alive.lock()) close(lane);
            });
        });
    return {};
}

void StoreLane::close(LaneId lane)
{
    Channel* const channel = find(lane);
    if (channel == nullptr) return;
    while (!channel->connections.empty()) {
        auto const serial = channel->connections.begin()->first;
        if (channel->connections.begin()->second->splice) {
            ended(lane, serial, LaneFailure::cut);
        } else {
            channel->connections.erase(serial);
            --connections_;
        }
    }
    channels_.erase(lane);
    calls_.gone(lane);
}

void StoreLane::said(LaneId lane, wire::Link::Frame const& frame)
{
    Channel* const channel = find(lane);
    if (channel == nullptr) return;
    auto const asked = wire::decode<proto::LaneConnect>(frame.body);
    auto const is_it = [&](auto const& each) { return !each.second->splice && each.second->request == asked->request; };
    if (!asked || std::ranges::any_of(channel->connections, is_it)) return channel->link->violation();
    connect(lane, *channel, asked->request);
}

// T-06: what is asked for is bounded for each channel and for all, and so is how often.
bool StoreLane::may_connect(Channel& channel)
{
    auto const now = clock_.now();
    channel.allowance += std::chrono::duration<double>(now - channel.refilled).count() * kLaneConnectsPerSecond;
    channel.allowance = std::min<double>(channel.allowance, kLaneConnectsBurst);
    channel.refilled = now;
    if (channel.allowance < 1 || channel.connections.size() >= kLaneConnectionsPerLaneMax || connections_ >= kLaneConnectionsMax)
        return false;
    channel.allowance -= 1;
    return true;
}

void StoreLane::connect(LaneId lane, Channel& channel, RequestId request)
{
    if (!may_connect(channel)) {
        ++channel.refused;
        return channel.link->send(proto::LaneFailed{request, LaneFailure::over_limit});
    }
    auto const serial = ++serials_;
    auto connection = std::make_unique<Connection>();
    connection->request = request;
    connection->began = clock_.now();
    channel.connections.emplace(serial, std::move(connection));
    ++connections_;
    try_next(lane, serial);
}

void StoreLane::try_next(LaneId lane, std::uint64_t serial)
{
    Connection& connection = *find(lane, serial);
    auto const& [places, preferred] = *find(lane)->store;
    connection.connected.reset();
    connection.socket.reset();
    auto const now = clock_.now();
    while (connection.tried < places.addresses.size() && now - connection.began < kLaneConnectWait) {
        connection.place = (preferred + connection.tried++) % places.addresses.size();
        auto const& address = places.addresses[connection.place];
        if (!places.own_addresses && calls_.is_own(address)) {
            connection.failure = LaneFailure::own_address;
            continue;
        }
        connection.failure = LaneFailure::unreachable;
        connection.socket = calls_.begin(address, places.port);
        if (!connection.socket) continue;
        connection.address_deadline = now + kLaneAddressWait;
        connection.connected = loop_.on_writable(connection.socket.get(), [this, lane, serial] { settle(lane, serial); });
        return;
    }
    fail_connection(lane, serial);
}

void StoreLane::settle(LaneId lane, std::uint64_t serial)
{
    Connection* const connection = find(lane, serial);
    if (connection == nullptr || !connection->socket) return;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(connection->socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return try_next(lane, serial);
    join(lane, serial);
}

void StoreLane::join(LaneId lane, std::uint64_t serial)
{
    Channel& channel = *find(lane);
    Connection& connection = *channel.connections.at(serial);
    connection.connected.reset();
    auto pair = make_socket_pair();
    if (!pair) return fail_connection(lane, serial);
    channel.store->preferred = connection.place;
    connection.number = ConnectionId{++numbers_};
    calls_.report({.lane = lane,
        .connection = connection.number,
        .deed = LaneDeed::opened,
        .place = static_cast<std::uint8_t>(connection.place),
        .lasted = since(connection.began, clock_.now())});
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(pair->theirs));
    channel.link->send(proto::LaneOpened{connection.request}, std::move(descriptors));
    connection.splice = std::make_unique<Splice>(loop_, clock_, std::move(pair->ours), std::string{}, std::move(connection.socket),
        [this, lane, serial] { ended(lane, serial, LaneFailure::none); });
}

void StoreLane::fail_connection(LaneId lane, std::uint64_t serial)
{
    Channel& channel = *find(lane);
    auto const found = channel.connections.find(serial);
    auto const connection = std::move(found->second);
    channel.connections.erase(found);
    --connections_;
    calls_.report({.lane = lane,
        .connection = {},
        .deed = LaneDeed::failed,
        .failure = connection->failure,
        .place = static_cast<std::uint8_t>(connection->place),
        .lasted = since(connection->began, clock_.now())});
    channel.link->send(proto::LaneFailed{connection->request, connection->failure});
}

void StoreLane::ended(LaneId lane, std::uint64_t serial, LaneFailure why)
{
    Channel* const channel = find(lane);
    if (channel == nullptr) return;
    auto const found = channel->connections.find(serial);
    if (found == channel->connections.end()) return;
    auto const connection = std::move(found->second);
    channel->connections.erase(found);
    --connections_;
    if (why != LaneFailure::none) connection->splice->cut();
    calls_.report({.lane = lane,
        .connection = connection->number,
        .deed = LaneDeed::closed,
        .failure = why,
        .place = static_cast<std::uint8_t>(connection->place),
        .bytes_up = connection->splice->bytes_up(),
        .bytes_down = connection->splice->bytes_down(),
        .lasted = since(connection->began, clock_.now())});
}

void StoreLane::tick()
{
    std::vector<LaneId> lanes;
    for (auto const& [lane, channel] : channels_) lanes.push_back(lane);
    for (auto const lane : lanes)
        if (Channel* const channel = find(lane)) tick(lane, *channel);
}

void StoreLane::tick(LaneId lane, Channel& channel)
{
    auto const now = clock_.now();
    std::vector<std::uint64_t> silent;
    std::vector<std::uint64_t> late;
    for (auto const& [serial, each] : channel.connections) {
        if (each->splice && now - each->splice->last_moved() >= kLaneIdleTime) silent.push_back(serial);
        if (!each->splice && now >= each->address_deadline) late.push_back(serial);
    }
    for (auto const serial : silent) ended(lane, serial, LaneFailure::timed_out);
    for (auto const serial : late) {
        Connection& connection = *channel.connections.at(serial);
        bool const last = connection.tried >= channel.store->places.addresses.size() || now - connection.began >= kLaneConnectWait;
        connection.failure = LaneFailure::timed_out;
        last ? fail_connection(lane, serial) : try_next(lane, serial);
    }
    if (auto const refused = std::exchange(channel.refused, 0); refused != 0)
        calls_.report({.lane = lane, .connection = {}, .deed = LaneDeed::failed, .failure = LaneFailure::over_limit, .count = refused});
}

}  // namespace ocu::edge
