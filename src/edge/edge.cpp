// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/edge.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "edge/denial_fold.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/storage_lane_to_edge.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kQueueBytesMax = 4u << 20;
constexpr std::size_t kSeveredMax = 65'536;  // session ids are never reused, so the oldest may be forgotten
constexpr std::chrono::milliseconds kFoldTick{250};

// The sockets stay open here, so that a helper that was restarted serves the same lanes.
struct Sockets {
    UniqueFd tcp_listener;
    UniqueFd dns_socket;
};

bool is_plain(std::string_view text)
{
    return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

std::string host_and_port(std::string const& host, std::uint16_t port)
{
    bool const v6 = host.find(':') != std::string::npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

proto::Event event_of(proto::EgressDenied const& denied)
{
    bool const dns = denied.protocol == proto::EgressProtocol::dns;
    proto::Event event;
    event.what = dns ? proto::What::dns_denied : proto::What::egress_denied;
    event.outcome = proto::Outcome::failure;
    event.reason = denied.reason;
    event.session = denied.session;
    event.actor = "guest";
    event.resource = wire::Text<512>(dns ? denied.name.str() : host_and_port(denied.destination.str(), denied.port));
    std::string detail = "protocol=" + std::string(name_of(denied.protocol)) + " count=" + std::to_string(denied.count);
    if (!dns && !denied.name.empty()) detail += " name=" + denied.name.str();
    event.detail = wire::Text<1024>(std::move(detail));
    event.number = denied.port;
    return event;
}

}  // namespace

struct Edge::State {
    State(wire::Loop& loop_in, Clock const& clock_in, Wires wires_in) : loop(loop_in), clock(clock_in), wires(std::move(wires_in)) {}

    void helper_up(proto::HelperUp up);
    void storage_lane_up(proto::HelperUp up);
    void helper_down(helper::Kind kind);
    void stop();
    void attach(proto::LaneAttach lane);
    void detach(SessionId session);
    void sever(SessionId session);
    void open_in_helper(SessionId session, Sockets const& sockets);
    void frame(wire::Link::Frame const& frame);
    void denied(proto::EgressDenied const& denied);
    void tick();
    void tell(std::vector<proto::EgressDenied> const& events);

    wire::Loop& loop;
    Clock const& clock;
    Wires wires;
    std::unique_ptr<wire::Link> link;
    std::unique_ptr<wire::Link> storage_lane;
    std::unordered_map<SessionId, Sockets> lanes;
    std::unordered_set<SessionId> closing;  // told to the helper, not yet answered: words about them may still be on the way
    std::unordered_set<SessionId> severed;
    std::deque<SessionId> severed_order;
    DenialFold fold;
    wire::Watch fold_tick;
};

void Edge::State::helper_up(proto::HelperUp up)
{
    closing.clear();
    link = std::make_unique<wire::Link>(
        loop, std::move(up.link), wire::Link::Options{proto::kHelperToEdge, kQueueBytesMax},
        [this](wire::Link::Frame received) { frame(received); },
        [this](wire::Lost why) {
            if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::edge);
            helper_down(helper::Kind::edge);
        });
    for (auto const& [session, sockets] : lanes) open_in_helper(session, sockets);
}

void Edge::State::storage_lane_up(proto::HelperUp up)
{
    auto const report = wire::decode<proto::StorageLaneReport>(up.report);
    if (!report || report->destinations != 0) {
        wires.spawner.report_violation(helper::Kind::storage_lane);
        return;
    }
    storage_lane = std::make_unique<wire::Link>(
        loop, std::move(up.link), wire::Link::Options{proto::kStorageLaneToEdge, kQueueBytesMax}, [](wire::Link::Frame) {},
        [this](wire::Lost why) {
            if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::storage_lane);
            storage_lane.reset();
        });
}

// Nothing bypasses a helper that is down: the lanes' listeners have no reader, and behind them is no network (EG-12).
void Edge::State::helper_down(helper::Kind kind)
{
    if (kind == helper::Kind::storage_lane) {
        storage_lane.reset();
        return;
    }
    link.reset();
    closing.clear();
}

void Edge::State::stop()
{
    link.reset();
    storage_lane.reset();
    lanes.clear();
    tell(fold.close_all());
    fold_tick.reset();
    wires.stopped();
}

void Edge::State::attach(proto::LaneAttach lane)
{
    // Sever and attach come from two roles and may arrive in either order; the first word to be obeyed is the denial (T-17).
    if (severed.contains(lane.session) || lanes.contains(lane.session)) return;
    auto const [entry, added] = lanes.emplace(lane.session, Sockets{std::move(lane.tcp_listener), std::move(lane.dns_socket)});
    if (added && link) open_in_helper(entry->first, entry->second);
}

void Edge::State::open_in_helper(SessionId session, Sockets const& sockets)
{
    auto tcp = duplicate(sockets.tcp_listener.get());
    auto dns = duplicate(sockets.dns_socket.get());
    if (!tcp || !dns) {
        log::error("a lane's sockets cannot be duplicated; its guest reaches nothing");
        return;
    }
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(*std::move(tcp));
    descriptors.push_back(*std::move(dns));
    link->send(proto::LaneOpen{session}, std::move(descriptors));
}

void Edge::State::detach(SessionId session)
{
    if (lanes.erase(session) == 0 || !link) return;
    closing.insert(session);
    link->send(proto::LaneClose{session});
}

void Edge::State::sever(SessionId session)
{
    if (severed.insert(session).second) severed_order.push_back(session);
    if (severed_order.size() > kSeveredMax) {
        severed.erase(severed_order.front());
        severed_order.pop_front();
    }
    detach(session);
}

void Edge::State::frame(wire::Link::Frame const& received)
{
    if (received.type == static_cast<std::uint16_t>(proto::Type::lane_closed)) {
        auto const closed = wire::decode<proto::LaneClosed>(received.body);
        if (!closed) return link->violation();
        if (closing.erase(closed->session) != 0) return tell(fold.close(closed->session));
        // The helper could not open it: the guest's connections are not served, which is the closed state.
        if (!lanes.contains(closed->session)) return link->violation();
        log::warning("the edge helper does not serve a lane");
        return;
    }
    auto const event = wire::decode<proto::EgressDenied>(received.body);
    bool const known = event && (lanes.contains(event->session) || closing.contains(event->session));
    // T-14: a word about a session that is not its own, or text that could forge a line of the record.
    if (!known || event->count == 0 || event->reason == proto::Reason::none || event->reason > proto::Reason::edge_draining ||
        !is_plain(event->destination.view()) || !is_plain(event->name.view()))
        return link->violation();
    denied(*event);
}

void Edge::State::denied(proto::EgressDenied const& event)
{
    tell(fold.add(event, clock.now()));
    if (!fold_tick) fold_tick = loop.after(kFoldTick, [this] { tick(); });
}

void Edge::State::tick()
{
    fold_tick.reset();
    tell(fold.due(clock.now()));
    if (!fold.empty()) fold_tick = loop.after(kFoldTick, [this] { tick(); });
}

void Edge::State::tell(std::vector<proto::EgressDenied> const& events)
{
    for (auto const& event : events) wires.recorder.note(event_of(event));
}

Edge::Edge(wire::Loop& loop, Clock const& clock, Wires wires) : state_(std::make_unique<State>(loop, clock, std::move(wires)))
{
    State& s = *state_;
    s.wires.core_in.on_message([&s](proto::CoreToRole::Message message) {
        std::visit(wire::Overloaded{[&s](proto::HelperUp& up) {
                                        if (up.kind == helper::Kind::storage_lane)
                                            s.storage_lane_up(std::move(up));
                                        else
                                            s.helper_up(std::move(up));
                                    },
                       [&s](proto::HelperDown& down) { s.helper_down(down.kind); }, [&s](proto::StopRole&) { s.stop(); }},
            message);
    });
    s.wires.sandbox_in.on_message([&s](proto::SandboxToEdge::Message message) {
        std::visit(wire::Overloaded{[&s](proto::LaneAttach& lane) { s.attach(std::move(lane)); },
                       [&s](proto::LaneDetach& lane) { s.detach(lane.session); }},
            message);
    });
    s.wires.control_in.on_message([&s](proto::ControlToEdge::Message message) { s.sever(std::get<proto::SessionSever>(message).session); });
}

Edge::~Edge() = default;

}  // namespace ocu::edge
