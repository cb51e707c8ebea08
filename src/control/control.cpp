// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/control.h"

#include "base/crypto/certificate.h"
#include "base/log.h"
#include "control/lifecycle.h"
#include "control/operators.h"

namespace ocu::control {

namespace {

constexpr std::chrono::milliseconds kVitalsEvery{1'000};

}  // namespace

struct Control::State {
    State(wire::Loop& loop, Clock const& clock, Config configuration, UniqueFd listener, Wires given)
        : config(std::move(configuration)), wires(std::move(given)),
          lifecycle(loop, clock, config, wires, [this](SessionId id) { operators.severed(id); }),
          operators(loop, clock, config, std::move(listener), wires, lifecycle)
    {
        wires.core_in.on_message([this](proto::CoreToRole::Message message) { hear_core(std::move(message)); });
        wires.gateway_in.on_message(
            [this](proto::GatewayToControl::Message message) { lifecycle.wanted(std::get<proto::SessionWanted>(std::move(message))); });
        wires.storage_in.on_message([this](proto::StorageToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::FilesSessionWanted& wanted) { lifecycle.wanted(std::move(wanted)); },
                           [this](proto::FilesTold& told) { operators.told(std::move(told)); }},
                message);
        });
        wires.sandbox_in.on_message([this](proto::SandboxToControl::Message message) { lifecycle.hear(std::move(message)); });
        wires.edge_in.on_message([this](proto::EdgeToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::Explained& told) { operators.told(std::move(told)); },
                           [this](proto::WebhookState const& state) { webhook_is(state); },
                           [this](proto::StoreState const& state) { operators.told(state); }},
                message);
        });
        wires.audit_in.on_message(
            [this](proto::AuditToControl::Message message) { operators.told(std::get<proto::SinksTold>(std::move(message)).sinks); });
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

    void tell_vitals(wire::Loop& loop)
    {
        if (wires.vitals == nullptr) return;
        wires.vitals->sessions = static_cast<std::uint32_t>(lifecycle.sessions().owned());
        wires.vitals->frozen = lifecycle.frozen() == Frozen::yes;
        vitals_watch = loop.after(kVitalsEvery, [this, &loop] { tell_vitals(loop); });
    }

    Config config;
    Wires wires;
    Lifecycle lifecycle;
    Operators operators;
    wire::Watch vitals_watch;
};

Control::Control(wire::Loop& loop, Clock const& clock, Config config, UniqueFd operator_listener, Wires wires)
    : state_(std::make_unique<State>(loop, clock, std::move(config), std::move(operator_listener), std::move(wires)))
{
    state_->tell_vitals(loop);
}

Control::~Control() = default;

}  // namespace ocu::control
