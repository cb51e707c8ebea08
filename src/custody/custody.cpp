// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/custody.h"

#include <optional>
#include <unordered_map>

#include "base/log.h"
#include "custody/lending.h"
#include "proto/custody_helper_to_custody.h"

namespace ocu::custody {

namespace {

constexpr std::size_t kPendingMax = 1024;
constexpr std::size_t kQueueBytesMax = 4u << 20;

// A question that the helper has not answered yet. Control and audit number their questions on their own, so each gets a number of ours.
struct Pending {
    enum class Asker { control, audit, edge } asker;
    RequestId request;
    SessionId session;
    wire::Text<64> container;
};

}  // namespace

struct Custody::State {
    State(wire::Loop& loop_in, Clock const& clock, Wires wires_in, Config config)
        : loop(loop_in), wires(std::move(wires_in)),
          sources(loop, clock, std::move(config), wires.edge, wires.spawner,
              [this](LeaseNumber lease, Sources::Told const& told) { lending.fetched(lease, told); }),
          lending(clock, wires.edge, wires.recorder, sources)
    {}

    void helper_up(proto::HelperUp up);
    void helper_down();
    void stop();
    void hear_control(proto::ControlToCustody::Message const& message);
    void token_wanted(proto::TokenWanted const& wanted);
    void hear_edge(proto::EdgeToCustody::Message message);
    void notice_sign_wanted(proto::NoticeSignWanted const& wanted);
    void signature_wanted(proto::SignatureWanted const& wanted);
    void frame(wire::Link::Frame const& frame);
    void lost(wire::Lost why);
    std::optional<Pending> take(RequestId request, Pending::Asker asker);
    void refuse(Pending const& pending);
    void identity_wanted(proto::IdentityWanted wanted);
    void store_credential_wanted(proto::StoreCredentialWanted wanted);
    void cold_credential_wanted(proto::ColdCredentialWanted wanted);
    void hand_store_credential(UniqueFd to, bool cold, proto::Event event);
    void sink_channel(proto::SinkChannel channel);
    void note_token(Pending const& pending, proto::Outcome outcome);
    bool ready() const { return link && pending.size() < kPendingMax; }

    wire::Loop& loop;
    Wires wires;
    Sources sources;
    Lending lending;
    std::unique_ptr<wire::Link> link;
    std::unordered_map<std::uint64_t, Pending> pending;
    std::uint64_t last_request = 0;
    bool has_identity = false;
};

void Custody::State::helper_up(proto::HelperUp up)
{
    auto const report = wire::decode<proto::CustodyReport>(up.report);
    if (!report) {
        wires.spawner.report_violation(helper::Kind::custody);
        return;
    }
    link = std::make_unique<wire::Link>(
        loop, std::move(up.link), wire::Link::Options{proto::kHelperToCustody, kQueueBytesMax},
        [this](wire::Link::Frame received) { frame(received); }, [this](wire::Lost why) { lost(why); });
    wires.audit.send(proto::CustodyKeys{report->checkpoint_public, report->token_public});
    lending.helper_up(*link);
    has_identity = !report->certificate.empty();
    if (auto const fingerprint = crypto::certificate_fingerprint(report->certificate.view()))
        wires.control.send(proto::ServiceCertificate{*fingerprint});
}

void Custody::State::helper_down()
{
    lending.helper_down();
    link.reset();
    has_identity = false;
    auto const waiting = std::exchange(pending, {});
    for (auto const& [request, each] : waiting) refuse(each);
}

void Custody::State::lost(wire::Lost why)
{
    if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::custody);
    helper_down();
}

void Custody::State::stop()
{
    helper_down();
    wires.stopped();
}

void Custody::State::refuse(Pending const& each)
{
    if (each.asker == Pending::Asker::audit) {
        wires.audit.send(proto::SignatureMade{each.request, false, {}});
        return;
    }
    if (each.asker == Pending::Asker::edge) return wires.edge.send(proto::NoticeSigned{each.request, false, {}});
    wires.control.send(proto::TokenMinted{each.request, false, {}, {}});
    note_token(each, proto::Outcome::failure);
}

// Every use of the token key is on record, good or not. Checkpoints are their own record.
void Custody::State::note_token(Pending const& each, proto::Outcome outcome)
{
    proto::Event event;
    event.what = proto::What::key_use;
    event.outcome = outcome;
    event.reason = outcome == proto::Outcome::success ? proto::Reason::none : proto::Reason::role_unavailable;
    event.session = each.session;
    event.actor = "control";
    event.resource = "session token key";
    event.detail = wire::Text<1024>(each.container.view());
    wires.recorder.note(std::move(event));
}

// The key leaves custody here, to the one process that must have it; so this is on record too. The bytes do not pass by.
void Custody::State::identity_wanted(proto::IdentityWanted wanted)
{
    bool const can = link && has_identity;
    if (can) {
        std::vector<UniqueFd> descriptors;
        descriptors.push_back(std::move(wanted.to));
        link->send(proto::HandIdentity{}, std::move(descriptors));
    }
    proto::Event event;
    event.what = proto::What::key_use;
    event.outcome = can ? proto::Outcome::success : proto::Outcome::failure;
    event.reason = can ? proto::Reason::none : proto::Reason::role_unavailable;
    event.actor = "core";
    event.resource = "service TLS key";
    event.detail = wire::Text<1024>(wanted.front.view());
    wires.recorder.note(std::move(event));
}

// As with the identity: it leaves custody here, on record, to the one process that signs with it. Without custody that process does not start.
void Custody::State::store_credential_wanted(proto::StoreCredentialWanted wanted)
{
    proto::Event event;
    event.session = wanted.session;
    event.actor = "storage";
    event.resource = "store credential";
    event.detail = wanted.session ? "broker or sweeper of a session" : "sweeper of an earlier run";
    hand_store_credential(std::move(wanted.to), false, std::move(event));
}

void Custody::State::cold_credential_wanted(proto::ColdCredentialWanted wanted)
{
    proto::Event event;
    event.actor = "audit";
    event.resource = "cold tier credential";
    hand_store_credential(std::move(wanted.to), true, std::move(event));
}

void Custody::State::hand_store_credential(UniqueFd to, bool cold, proto::Event event)
{
    event.what = proto::What::key_use;
    event.outcome = link ? proto::Outcome::success : proto::Outcome::failure;
    event.reason = link ? proto::Reason::none : proto::Reason::credential_unavailable;
    wires.recorder.note(std::move(event));
    if (!link) return;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(to));
    link->send(proto::HandStoreCredential{cold}, std::move(descriptors));
}

// On record once for each process that gets it, and not for each handshake: a record is one more that its sink has to deliver.
void Custody::State::sink_channel(proto::SinkChannel channel)
{
    proto::Event event;
    event.what = proto::What::key_use;
    event.outcome = link ? proto::Outcome::success : proto::Outcome::failure;
    event.reason = link ? proto::Reason::none : proto::Reason::credential_unavailable;
    event.actor = "audit";
    event.resource = "audit sink credentials";
    event.detail = wire::Text<1024>(channel.name.view());
    wires.recorder.note(std::move(event));
    if (!link) return;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(channel.end));
    link->send(proto::OpenSinkChannel{channel.sink}, std::move(descriptors));
}

void Custody::State::token_wanted(proto::TokenWanted const& wanted)
{
    Pending const each{Pending::Asker::control, wanted.request, wanted.session, wanted.container};
    if (!ready()) return refuse(each);
    RequestId const request{++last_request};
    pending.emplace(request.value, each);
    link->send(proto::MintToken{request, wanted.session, wanted.container, wanted.life});
}

void Custody::State::signature_wanted(proto::SignatureWanted const& wanted)
{
    Pending const each{Pending::Asker::audit, wanted.request, {}, {}};
    if (!ready()) return refuse(each);
    RequestId const request{++last_request};
    pending.emplace(request.value, each);
    link->send(proto::SignCheckpoint{request, wanted.note, wanted.kind});
}

// Not on record by itself: what becomes of the notice is (proto/any_to_audit.h), and so is what it says.
void Custody::State::notice_sign_wanted(proto::NoticeSignWanted const& wanted)
{
    Pending const each{Pending::Asker::edge, wanted.request, {}, {}};
    if (!ready()) return refuse(each);
    RequestId const request{++last_request};
    pending.emplace(request.value, each);
    link->send(proto::SignNotice{request, wanted.time_s, wanted.body});
}

void Custody::State::hear_edge(proto::EdgeToCustody::Message message)
{
    if (auto const* const wanted = std::get_if<proto::NoticeSignWanted>(&message)) return notice_sign_wanted(*wanted);
    lending.hear(std::move(message));
}

std::optional<Pending> Custody::State::take(RequestId request, Pending::Asker asker)
{
    auto const found = pending.find(request.value);
    if (found == pending.end() || found->second.asker != asker) return {};
    auto out = std::move(found->second);
    pending.erase(found);
    return out;
}

void Custody::State::frame(wire::Link::Frame const& received)
{
    // An answer to no question, or of the other kind, is a helper that is not what it was (T-14).
    if (received.type == static_cast<std::uint16_t>(proto::Type::checkpoint_signed)) {
        auto const answer = wire::decode<proto::CheckpointSigned>(received.body);
        auto const each = answer ? take(answer->request, Pending::Asker::audit) : std::nullopt;
        if (!each) return link->violation();
        wires.audit.send(proto::SignatureMade{each->request, answer->good, answer->signature});
        return;
    }
    if (received.type == static_cast<std::uint16_t>(proto::Type::lease_held)) {
        auto const answer = wire::decode<proto::LeaseHeld>(received.body);
        if (!answer || !lending.held(*answer)) link->violation();
        return;
    }
    if (received.type == static_cast<std::uint16_t>(proto::Type::source_held)) {
        auto const answer = wire::decode<proto::SourceHeld>(received.body);
        return answer ? sources.held(*answer) : link->violation();
    }
    if (received.type == static_cast<std::uint16_t>(proto::Type::notice_mac)) {
        auto const answer = wire::decode<proto::NoticeMac>(received.body);
        auto const each = answer ? take(answer->request, Pending::Asker::edge) : std::nullopt;
        if (!each) return link->violation();
        wires.edge.send(proto::NoticeSigned{each->request, answer->good, answer->mac});
        return;
    }
    auto const answer = wire::decode<proto::MintedToken>(received.body);
    auto const each = answer ? take(answer->request, Pending::Asker::control) : std::nullopt;
    if (!each) return link->violation();
    note_token(*each, answer->good ? proto::Outcome::success : proto::Outcome::failure);
    wires.control.send(proto::TokenMinted{each->request, answer->good, answer->token, answer->scoped});
}

void Custody::State::hear_control(proto::ControlToCustody::Message const& message)
{
    std::visit(wire::Overloaded{[this](proto::TokenWanted const& wanted) { token_wanted(wanted); },
                   [this](proto::SessionSever const& severed) { lending.over(severed.session); },
                   [this](proto::LeasesWanted const& wanted) { wires.control.send(proto::LeasesTold{wanted.request, lending.list()}); }},
        message);
}

Custody::Custody(wire::Loop& loop, Clock const& clock, Wires wires, Config config)
    : state_(std::make_unique<State>(loop, clock, std::move(wires), std::move(config)))
{
    State& s = *state_;
    s.wires.core_in.on_message([&s](proto::CoreToRole::Message message) {
        std::visit(wire::Overloaded{[&s](proto::HelperUp& up) { s.helper_up(std::move(up)); },
                       [&s](proto::HelperDown&) { s.helper_down(); }, [&s](proto::StopRole&) { s.stop(); }},
            message);
    });
    s.wires.control_in.on_message([&s](proto::ControlToCustody::Message message) { s.hear_control(message); });
    s.wires.edge_in.on_message([&s](proto::EdgeToCustody::Message message) { s.hear_edge(std::move(message)); });
    s.wires.identity_in.on_message(
        [&s](proto::CoreToCustody::Message message) { s.identity_wanted(std::move(std::get<proto::IdentityWanted>(message))); });
    s.wires.storage_in.on_message([&s](proto::StorageToCustody::Message message) {
        s.store_credential_wanted(std::move(std::get<proto::StoreCredentialWanted>(message)));
    });
    s.wires.audit_in.on_message(
        [&s](proto::AuditToCustody::Message message) {
            std::visit(wire::Overloaded{[&s](proto::SignatureWanted const& wanted) { s.signature_wanted(wanted); },
                           [&s](proto::SinkChannel& channel) { s.sink_channel(std::move(channel)); },
                           [&s](proto::ColdCredentialWanted& wanted) { s.cold_credential_wanted(std::move(wanted)); }},
                message);
        });
}

Custody::~Custody() = default;

}  // namespace ocu::custody
