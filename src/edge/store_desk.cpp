// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/store_desk.h"

#include "base/assert.h"
#include "base/log.h"
#include "edge/events.h"
#include "edge/limits.h"

namespace ocu::edge {

using proto::LaneDeed;
using proto::LaneFailure;
using proto::StoreHealth;
using proto::What;

namespace {

What what_of(LaneDeed deed)
{
    if (deed == LaneDeed::failed) return What::backend_failed;
    return deed == LaneDeed::opened ? What::backend_opened : What::backend_closed;
}

std::string_view use_of(proto::LaneUse use)
{
    switch (use) {
    case proto::LaneUse::serve: return "use=serve";
    case proto::LaneUse::sweep: return "use=sweep";
    case proto::LaneUse::cold: return "use=cold";
    }
    OCU_ASSERT(false);
}

constexpr proto::LaneId kFirstCold{1ull << 63};  // storage counts from 1

proto::Reason reason_of(LaneFailure failure)
{
    switch (failure) {
    case LaneFailure::over_limit: return proto::Reason::rate_exceeded;
    case LaneFailure::own_address: return proto::Reason::address_denied;
    case LaneFailure::none:
    case LaneFailure::unreachable:
    case LaneFailure::timed_out:
    case LaneFailure::cut: break;
    }
    return proto::Reason::none;
}

}  // namespace

StoreDesk::StoreDesk(wire::Loop& loop, Clock const& clock, StoreEndpoint endpoint, StoreEndpoint cold, Wires wires)
    : loop_(loop), clock_(clock), endpoint_(std::move(endpoint)), cold_(std::move(cold)), wires_(wires), last_cold_(kFirstCold)
{
    if (!endpoint_.addresses.empty()) tell(StoreHealth::down);
}
StoreDesk::~StoreDesk() = default;

void StoreDesk::tell(StoreHealth health)
{
    health_ = health;
    std::size_t open = 0;
    for (auto const& [id, lane] : lanes_)
        if (lane.use != proto::LaneUse::cold) open += lane.open.size();
    wires_.control.send(proto::StoreState{health, static_cast<std::uint32_t>(open)});
}

void StoreDesk::helper_up(proto::HelperUp up)
{
    auto const report = wire::decode<proto::StorageLaneReport>(up.report);
    if (!report || report->destinations != endpoint_.addresses.size() + cold_.addresses.size()) return wires_.spawner.report_violation(helper::Kind::storage_lane);
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(up.link), wire::Link::Options{proto::kStorageLaneToEdge, kHelperQueueBytesMax},
        [this](wire::Link::Frame const& frame) { said(frame); },
        [this](wire::Lost why) {
            if (why != wire::Lost::closed) wires_.spawner.report_violation(helper::Kind::storage_lane);
            helper_down();
        });
    if (endpoint_.addresses.empty()) return;
    tell(StoreHealth::untried);
    wires_.storage.send(proto::StoreLaneUp{});
}

// What it did not report any more ended with it (EG-12: nothing bypasses it, nobody else has this way).
void StoreDesk::helper_down()
{
    link_.reset();
    for (auto const& [id, lane] : std::exchange(lanes_, {}))
        for (auto const& [connection, place] : lane.open)
            note(lane, {.lane = id, .connection = connection, .deed = LaneDeed::closed, .failure = LaneFailure::cut, .place = place},
                "the process that forwarded it ended");
    last_connection_ = {};
    if (!endpoint_.addresses.empty()) tell(StoreHealth::down);
}

void StoreDesk::wanted(proto::StoreLaneWanted wanted)
{
    if (!link_ || endpoint_of(wanted.use).addresses.empty() || lanes_.size() >= kLanesMax) return;  // its other end sees that it is closed
    if (!lanes_.try_emplace(wanted.lane, Lane{wanted.session, wanted.use, {}}).second) return;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(wanted.end));
    link_->send(proto::LaneOpen{wanted.lane, wanted.use == proto::LaneUse::cold}, std::move(descriptors));
}

void StoreDesk::cold_wanted(proto::ColdLaneWanted cold)
{
    ++last_cold_.value;
    wanted({last_cold_, {}, proto::LaneUse::cold, std::move(cold.end)});
}

void StoreDesk::over(proto::LaneId lane)
{
    if (link_ && lanes_.contains(lane)) link_->send(proto::LaneClose{lane});
}

void StoreDesk::severed(SessionId session)
{
    for (auto const& [id, lane] : lanes_)
        if (lane.session == session && lane.use == proto::LaneUse::serve) over(id);
}

void StoreDesk::stop()
{
    link_.reset();
    lanes_.clear();
}

void StoreDesk::said(wire::Link::Frame const& frame)
{
    bool good = false;
    if (frame.type == static_cast<std::uint16_t>(proto::Type::lane_gone)) {
        auto const gone = wire::decode<proto::LaneGone>(frame.body);
        auto const found = gone ? lanes_.find(gone->lane) : lanes_.end();
        good = found != lanes_.end() && found->second.open.empty();
        if (good) lanes_.erase(found);
    } else {
        auto const report = wire::decode<proto::LaneConnection>(frame.body);
        good = report && hear(*report);
    }
    if (!good) link_->violation();  // T-14: it says what cannot be
}

bool StoreDesk::hear(proto::LaneConnection const& report)
{
    auto const found = lanes_.find(report.lane);
    if (found == lanes_.end() || report.place >= endpoint_of(found->second.use).addresses.size()) return false;
    Lane& lane = found->second;
    if (report.deed == LaneDeed::failed) return hear_failure(lane, report);
    if (report.count != 1) return false;
    if (report.deed == LaneDeed::opened) {
        if (report.connection <= last_connection_ || report.failure != LaneFailure::none) return false;
        last_connection_ = report.connection;
        lane.open.emplace(report.connection, report.place);
    } else {
        auto const open = lane.open.find(report.connection);
        if (open == lane.open.end() || open->second != report.place) return false;
        lane.open.erase(open);
    }
    note(lane, report, report.failure == LaneFailure::none ? std::string_view() : name_of(report.failure));
    if (lane.use != proto::LaneUse::cold) tell(report.deed == LaneDeed::opened ? StoreHealth::reached : health_);
    return true;
}

bool StoreDesk::hear_failure(Lane const& lane, proto::LaneConnection const& report)
{
    if (report.failure == LaneFailure::none || report.connection || report.count == 0) return false;
    note(lane, report, name_of(report.failure));
    // That one asks too much says nothing of the store.
    if (report.failure != LaneFailure::over_limit && lane.use != proto::LaneUse::cold) tell(StoreHealth::failing);
    return true;
}

void StoreDesk::note(Lane const& lane, proto::LaneConnection const& report, std::string_view why)
{
    proto::Event event;
    event.what = what_of(report.deed);
    event.reason = reason_of(report.failure);
    event.outcome = why.empty() ? proto::Outcome::success : proto::Outcome::failure;
    event.session = lane.session;
    event.actor = "storage-lane";
    auto const& endpoint = endpoint_of(lane.use);
    event.resource = wire::Text<512>::cut(host_and_port(endpoint.addresses[report.place], endpoint.port));
    std::string detail(use_of(lane.use));
    if (report.deed == LaneDeed::closed) detail += " up=" + std::to_string(report.bytes_up) + " down=" + std::to_string(report.bytes_down);
    if (report.count != 1) detail += " count=" + std::to_string(report.count);
    if (!why.empty()) detail += " why=" + std::string(why);
    event.detail = wire::Text<1024>::cut(detail);
    event.number = endpoint.port;
    event.bytes = report.bytes_up + report.bytes_down;
    event.duration_ms = report.lasted.count();
    wires_.recorder.note(std::move(event));
}

}  // namespace ocu::edge
