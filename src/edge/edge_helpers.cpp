// SPDX-License-Identifier: GPL-3.0-or-later
// A session's helper: started at its first packet, obeyed as far as the grammar goes, ended when it breaks it.

#include "base/log.h"
#include "edge/edge_state.h"
#include "helper/helper.h"

namespace ocu::edge {

namespace {

// The helper's first frame says that it is confined.
constexpr auto kHelperSays = [] {
    std::array<wire::Permit, proto::kHelperToEdge.size() + 1> out{};
    std::ranges::copy(proto::kHelperToEdge, out.begin());
    out.back() = {helper::kReadyType, 0, 4096};
    return out;
}();

}  // namespace

// A session that never says anything costs nothing: its sockets are watched here, and nothing is accepted or read.
void Edge::State::watch(Session& session)
{
    session.start_again.reset();
    session.tcp_watch = loop.on_readable(session.tcp.get(), [this, id = session.id] { first_packet(id); });
    session.dns_watch = loop.on_readable(session.dns.get(), [this, id = session.id] { first_packet(id); });
}

void Edge::State::first_packet(SessionId id)
{
    Session* const session = find(id);
    if (session == nullptr || session->link) return;
    session->tcp_watch.reset();
    session->dns_watch.reset();
    auto const now = clock.now();
    auto const pause = std::max(session->gate.wait(now), starts.wait(now));
    if (pause.count() != 0) {
        session->start_again = loop.after(pause, [this, id] {
            if (Session* const again = find(id)) watch(*again);
        });
        return;
    }
    session->gate.started(now);
    starts.started(now);
    if (auto const started = start(*session); !started) {
        log::failure("a session's edge helper could not be started", started.error());
        lost(id, session->generation, wire::Lost::closed);
    }
}

Result<void> Edge::State::start(Session& session)
{
    ++session.generation;
    auto channel = OCU_TRY(make_socket_pair());
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(duplicate(session.tcp.get())));
    descriptors.push_back(OCU_TRY(duplicate(session.dns.get())));
    descriptors.push_back(std::move(channel.theirs));
    descriptors.push_back(OCU_TRY(duplicate(roots.get())));
    auto spawned = OCU_TRY(wires.spawner.spawn(helper::Kind::edge, session.slot, wire::encode(proto::EdgeConfig{wire::Text<proto::kContactBytesMax>::cut(config.contact)}), std::move(descriptors)));
    wires.custody.send(proto::EdgeChannel{session.id, std::move(channel.ours)});
    session.child = std::move(spawned.child);
    session.ready = false;
    session.frames = 0;
    session.link = std::make_unique<wire::Link>(
        loop, std::move(spawned.link), wire::Link::Options{kHelperSays, kHelperQueueBytesMax},
        [this, id = session.id](wire::Link::Frame frame) { says(id, frame); },
        [this, id = session.id, generation = session.generation](wire::Lost why) {
            loop.post([this, id, generation, why] { lost(id, generation, why); });
        });
    tell_withheld(session);
    return {};
}

// The channels of before ended with the helper that held their other ends.
void Edge::State::custody_is_new()
{
    for (auto const& [id, session] : sessions) {
        if (!session->link) continue;
        auto channel = make_socket_pair();
        if (!channel) return log::failure("a session has no channel to custody", channel.error());
        wires.custody.send(proto::EdgeChannel{id, std::move(channel->ours)});
        std::vector<UniqueFd> descriptors;
        descriptors.push_back(std::move(channel->theirs));
        session->link->send(proto::CustodyChannel{}, std::move(descriptors));
    }
}

// T-14: whether it died or broke the grammar, its connections end with it, and another one begins with nothing.
void Edge::State::lost(SessionId id, std::uint64_t generation, wire::Lost why)
{
    Session* const session = find(id);
    if (session == nullptr || session->generation != generation) return;
    wires.recorder.note(helper_event(id, why == wire::Lost::closed ? proto::What::helper_death : proto::What::helper_violation));
    drop_helper(*session, proto::Reason::none, "helper ended");
    auto const now = clock.now();
    session->gate.died(now);
    session->start_again = loop.after(session->gate.wait(now), [this, id] {
        if (Session* const again = find(id)) watch(*again);
    });
}

void Edge::State::drop_helper(Session& session, proto::Reason reason, std::string_view why)
{
    session.tcp_watch.reset();
    session.dns_watch.reset();
    session.start_again.reset();
    session.listen_again.reset();
    session.link.reset();
    while (!session.routes.empty()) close_route(session, session.routes.begin(), reason, why);
    session.child.end();
    ++session.generation;
}

void Edge::State::says(SessionId id, wire::Link::Frame const& frame)
{
    Session& session = *sessions.at(id);  // the link lives in the session
    slow_down(session);
    if (frame.type == helper::kReadyType) {
        if (std::exchange(session.ready, true)) session.link->violation();
        return;
    }
    if (!session.ready || !obey(session, frame)) session.link->violation();
}

// One session's helper may not take this thread's time from the others (T-06).
void Edge::State::slow_down(Session& session)
{
    auto const now = clock.now();
    if (now - session.frames_since >= std::chrono::seconds(1)) {
        session.frames_since = now;
        session.frames = 0;
    }
    if (++session.frames <= kFramesPerSecondMax || session.listen_again) return;
    session.link->pause_reading();
    session.listen_again = loop.after(std::chrono::seconds(1), [this, id = session.id] {
        Session* const again = find(id);
        if (again == nullptr) return;
        again->listen_again.reset();
        if (again->link) again->link->resume_reading();
    });
}

bool Edge::State::obey(Session& session, wire::Link::Frame const& frame)
{
    auto const heard = [&]<class Message>(bool (State::*handle)(Session&, Message const&)) {
        auto const message = wire::decode<Message>(frame.body);
        return message && (this->*handle)(session, *message);
    };
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::name_asked: return heard(&State::name_asked);
    case proto::Type::connect_asked: return heard(&State::connect_asked);
    case proto::Type::route_asked: return heard(&State::route_asked);
    case proto::Type::request_asked: return heard(&State::request_asked);
    case proto::Type::icap_asked: return heard(&State::icap_asked);
    case proto::Type::request_done: return heard(&State::request_done);
    case proto::Type::connection_ended: return heard(&State::connection_ended);
    case proto::Type::egress_denied: return heard(&State::helper_denied);
    default: return false;
    }
}

bool Edge::State::name_asked(Session& session, proto::NameAsked const& asked)
{
    if (asked.name.empty() || !is_plain(asked.name.view())) return false;
    bool const may = session.closed == proto::Reason::none && allow.name_may(asked.name.view());
    proto::Reason const reason = may ? proto::Reason::none : session.closed == proto::Reason::none ? proto::Reason::not_allowed : session.closed;
    session.link->send(proto::NameDecided{asked.request, reason});
    if (may) return true;
    proto::EgressDenied denied;
    denied.protocol = proto::EgressProtocol::dns;
    denied.reason = reason;
    denied.destination = "resolver";
    denied.port = 53;
    denied.name = wire::Text<256>(asked.name.view());
    denied.count = 1;
    deny(session, std::move(denied));
    return true;
}

bool Edge::State::helper_denied(Session& session, proto::EgressDenied const& denied)
{
    // A reason of another role, or text that could forge a line of the record (T-09).
    if (denied.count == 0 || denied.reason == proto::Reason::none || denied.reason > proto::Reason::edge_draining ||
        !is_plain(denied.destination.view()) || !is_plain(denied.name.view()))
        return false;
    deny(session, denied);
    return true;
}

}  // namespace ocu::edge
