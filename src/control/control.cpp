// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/control.h"

#include "base/crypto/certificate.h"
#include "base/log.h"
#include "control/caller_desk.h"
#include "control/lifecycle.h"
#include "control/operators.h"

namespace ocu::control {

namespace {

constexpr std::chrono::milliseconds kVitalsEvery{1'000};

}  // namespace

struct Control::State {
    State(wire::Loop& loop, Clock const& clock, Config configuration, UniqueFd listener, Wires given)
        : config(std::move(configuration)), wires(std::move(given)), disk(config.audit_watermark_percent),
          lifecycle(loop, clock, config, wires, [this](SessionId id) { operators.severed(id); }),
          callers(loop, clock, std::exchange(config.callers, {}), wires, lifecycle),
          operators(loop, clock, config, std::move(listener), wires, lifecycle, callers)
    {
        wires.core_in.on_message([this](proto::CoreToRole::Message message) { hear_core(std::move(message)); });
        wires.gateway_in.on_message(
            [this](proto::GatewayToControl::Message message) {
                std::visit(wire::Overloaded{[this](proto::SessionWanted& wanted) { lifecycle.wanted(std::move(wanted)); },
                               [this](proto::CallDenied const& denied) { lifecycle.hear(denied); }},
                    message);
            });
        wires.storage_in.on_message([this](proto::StorageToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::FilesSessionWanted& wanted) { lifecycle.wanted(std::move(wanted)); },
                           [this](proto::FilesTold& told) { operators.told(std::move(told)); },
                           [this](proto::SessionMounted const& mounted) { lifecycle.metering().told(mounted); }},
                message);
        });
        wires.sandbox_in.on_message([this](proto::SandboxToControl::Message message) { lifecycle.hear(std::move(message)); });
        wires.edge_in.on_message([this](proto::EdgeToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::Explained& told) { operators.told(std::move(told)); },
                           [this](proto::WebhookState const& state) { webhook_is(state); },
                           [this](proto::StoreState const& state) { operators.told(state); },
                           [this](proto::SessionTraffic const& traffic) { lifecycle.metering().told(traffic); }},
                message);
        });
        wires.audit_in.on_message([this](proto::AuditToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::SinksTold& told) { operators.told(std::move(told.sinks)); },
                           [this](proto::WitnessesTold& told) { operators.told(std::move(told.witnesses)); },
                           [this](proto::RetentionState const& state) { operators.told(state); },
                           [this](proto::Tally const& tally) { operators.told(tally); },
                           [this](proto::ColdState& state) { operators.told(std::move(state)); }},
                message);
        });
        wires.custody_in.on_message([this](proto::CustodyToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::TokenMinted& minted) { lifecycle.hear(std::move(minted)); },
                           [this](proto::LeasesTold& told) { operators.told(std::move(told)); },
                           [this](proto::ServiceCertificate const& shown) {
                               config.certificate_sha256 = crypto::fingerprint_text(shown.fingerprint);
                           }},
                message);
        });
    }

    void hear_core(proto::CoreToRole::Message message)
    {
        std::visit(wire::Overloaded{
                       [this](proto::HelperUp& up) {
                           if (up.kind == helper::Kind::operator_front) operators.front_up(std::move(up.link));
                       },
                       [this](proto::HelperDown const& down) {
                           if (down.kind == helper::Kind::operator_front) operators.front_down();
                       },
                       [this](proto::StopRole const&) {
                           operators.stop();
                           lifecycle.stop([this] { wires.stopped(); });
                       },
                   },
            message);
    }

    void webhook_is(proto::WebhookState const& state)
    {
        operators.told(state);
        if (wires.vitals != nullptr) wires.vitals->webhook = state.health;
    }

    // AU-7. A record that the log does not take, because it is full or not open yet, is asked for again at the next look.
    void look_at_disk()
    {
        if (!wires.audit_room) return;
        if (auto const turn = disk.look(wires.audit_room()); turn != DiskWatch::Turn::none) disk_turn = turn;
        operators.told(disk.state());
        if (wires.vitals != nullptr) wires.vitals->audit_disk_alarm = disk.state().alarm ? disk.state().used_percent : 0;
        if (disk_turn == DiskWatch::Turn::none) return;
        auto const turn = std::exchange(disk_turn, DiskWatch::Turn::none);
        wires.recorder.record(disk_event(turn), [this, turn](Result<EventNumber> written) {
            if (!written && disk_turn == DiskWatch::Turn::none) disk_turn = turn;
        });
    }

    proto::Event disk_event(DiskWatch::Turn turn) const
    {
        auto const& state = disk.state();
        proto::Event event;
        event.what = proto::What::audit_disk_watermark;
        event.outcome = turn == DiskWatch::Turn::passed ? proto::Outcome::failure : proto::Outcome::success;
        event.actor = "control";
        event.resource = "audit directory";
        event.detail = wire::Text<1024>("watermark=" + std::to_string(state.watermark_percent));
        event.number = state.used_percent;
        event.bytes = state.free_bytes;
        return event;
    }

    void look_around(wire::Loop& loop)
    {
        look_at_disk();
        callers.pass_time();
        if (wires.vitals != nullptr) {
            wires.vitals->sessions = static_cast<std::uint32_t>(lifecycle.sessions().owned());
            wires.vitals->frozen = lifecycle.frozen() == Frozen::yes;
        }
        if (wires.vitals != nullptr || wires.audit_room || wires.keep_callers) vitals_watch = loop.after(kVitalsEvery, [this, &loop] { look_around(loop); });
    }

    Config config;
    Wires wires;
    DiskWatch disk;
    DiskWatch::Turn disk_turn = DiskWatch::Turn::none;  // not on record yet
    Lifecycle lifecycle;
    CallerDesk callers;
    Operators operators;
    wire::Watch vitals_watch;
};

Control::Control(wire::Loop& loop, Clock const& clock, Config config, UniqueFd operator_listener, Wires wires)
    : state_(std::make_unique<State>(loop, clock, std::move(config), std::move(operator_listener), std::move(wires)))
{
    state_->look_around(loop);
}

Control::~Control() = default;

}  // namespace ocu::control
