// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/core.h"

#include <pthread.h>
#include <sys/statvfs.h>

#include <csignal>

#include "gateway/policy_explain.h"

namespace ocu::appliance {

namespace {

// Gateway stops first (no new calls), then control (ends the sessions, for which sandbox, storage and edge must still work), audit last.
constexpr Role kStopOrder[] = {Role::gateway, Role::control, Role::sandbox, Role::storage, Role::edge, Role::audit, Role::custody};

std::size_t index(Role role) { return static_cast<std::size_t>(role); }

// Control's own copy of the rules, so that operators' questions about them need no word to the gateway (T-03).
std::function<proto::Explained(proto::PolicyQuestion const&, std::span<std::string const>)> explainer_of(gateway::Config const& config)
{
    return [policy = config.policy](proto::PolicyQuestion const& question, std::span<std::string const> callers) {
        return gateway::explain_action(policy, callers, question);
    };
}

// How much room there is for the log's writer, which is not root. The descriptor's owners: this function, and its copies.
std::function<std::optional<control::DiskRoom>()> room_of(UniqueFd directory)
{
    return [held = std::make_shared<UniqueFd>(std::move(directory))]() -> std::optional<control::DiskRoom> {
        struct statvfs room{};
        if (::fstatvfs(held->get(), &room) != 0) return std::nullopt;
        auto const bytes = [&room](fsblkcnt_t blocks) { return static_cast<std::uint64_t>(blocks) * room.f_frsize; };
        return control::DiskRoom{bytes(room.f_blocks - room.f_bfree), bytes(room.f_bavail), room.f_files - room.f_ffree, room.f_favail};
    };
}

}  // namespace

struct Core::Roles {
    // Audit is first and last: the others hold its recorders.
    std::unique_ptr<audit::Audit> audit;
    std::unique_ptr<custody::Custody> custody;
    std::unique_ptr<edge::Edge> edge;
    std::unique_ptr<storage::Storage> storage;
    std::unique_ptr<sandbox::Sandbox> sandbox;
    std::unique_ptr<control::Control> control;
    std::unique_ptr<gateway::Gateway> gateway;
};

Core::Core(wire::Loop& main, Clock const& clock, RoleConfigs configs, RoleDescriptors descriptors, helper::Spawner& spawner,
    helper::Health const& health, std::function<void()> shutdown_asked)
    : main_(main), callers_file_(std::move(configs.callers_file)), arrows_(std::make_unique<Arrows>(loops_)), roles_(std::make_unique<Roles>())
{
    Arrows& a = *arrows_;
    auto const loop = [this](Role role) -> wire::Loop& { return loops_[index(role)]; };
    roles_->audit = std::make_unique<audit::Audit>(loop(Role::audit), clock, configs.audit, std::move(descriptors.sinks),
        audit::Audit::Wires{a.core_to_audit, a.custody_to_audit, a.edge_to_audit, a.audit_to_custody, a.audit_to_edge, a.audit_to_control,
            spawner, stopped()});
    auto const pen = [&](proto::Source source, Role role) -> proto::Recorder& { return roles_->audit->recorder_for(source, loop(role)); };
    recorder_ = &roles_->audit->recorder_for(proto::Source::core, main_);
    roles_->custody = std::make_unique<custody::Custody>(loop(Role::custody), clock,
        custody::Custody::Wires{a.core_to_custody, a.control_to_custody, a.audit_to_custody, a.identity_to_custody, a.edge_to_custody,
            a.storage_to_custody, a.custody_to_control, a.custody_to_audit, a.custody_to_edge, pen(proto::Source::custody, Role::custody),
            spawner, stopped()},
        configs.custody);
    roles_->edge = std::make_unique<edge::Edge>(loop(Role::edge), clock, configs.edge, std::move(descriptors.roots),
        edge::Edge::Wires{a.core_to_edge, a.sandbox_to_edge, a.control_to_edge, a.custody_to_edge, a.storage_to_edge, a.audit_to_edge,
            a.edge_to_custody, a.edge_to_control, a.edge_to_storage, a.edge_to_audit, pen(proto::Source::edge, Role::edge), spawner, stopped()});
    roles_->storage = std::make_unique<storage::Storage>(loop(Role::storage), clock, configs.storage, std::move(descriptors.store),
        storage::Storage::Wires{a.core_to_storage, a.sandbox_to_storage, a.gateway_to_storage, a.control_to_storage, a.storage_to_sandbox,
            a.storage_to_gateway, a.storage_to_control, a.edge_to_storage, a.storage_to_edge, a.storage_to_custody,
            pen(proto::Source::storage, Role::storage), spawner, stopped()});
    roles_->sandbox = std::make_unique<sandbox::Sandbox>(loop(Role::sandbox), clock, configs.sandbox,
        sandbox::Sandbox::Wires{a.core_to_sandbox, a.control_to_sandbox, a.gateway_to_sandbox, a.storage_to_sandbox, a.sandbox_to_control,
            a.sandbox_to_gateway, a.sandbox_to_storage, a.sandbox_to_edge, pen(proto::Source::sandbox, Role::sandbox), spawner, stopped()});
    roles_->control = std::make_unique<control::Control>(loop(Role::control), clock, configs.control,
        std::move(descriptors.operator_listener),
        control::Control::Wires{a.core_to_control, a.gateway_to_control, a.storage_to_control, a.sandbox_to_control, a.custody_to_control,
            a.edge_to_control, a.audit_to_control, a.control_to_gateway, a.control_to_sandbox, a.control_to_storage, a.control_to_edge, a.control_to_custody,
            pen(proto::Source::control, Role::control), spawner, health, std::move(shutdown_asked), stopped(), &vitals_,
            explainer_of(configs.gateway), room_of(std::move(descriptors.audit)),
            [this](wire::Bytes bytes, std::function<void(bool)> done) { callers_file_.keep(std::move(bytes), std::move(done)); }});
    roles_->gateway = std::make_unique<gateway::Gateway>(loop(Role::gateway), clock, configs.gateway,
        gateway::Gateway::Wires{a.core_to_gateway, a.control_to_gateway, a.sandbox_to_gateway, a.storage_to_gateway, a.gateway_to_control,
            a.gateway_to_sandbox, a.gateway_to_storage, pen(proto::Source::gateway, Role::gateway), spawner, health, stopped()});
}

Core::~Core() { join(); }

std::function<void()> Core::stopped()
{
    return [this] {
        main_.post([this] {
            // A copy: the step replaces what it was called through.
            auto const next = next_stop_;
            if (next) next();
        });
    };
}

void Core::start_threads()
{
    for (std::size_t i = 0; i < kRoles; ++i) {
        threads_[i] = std::thread([this, i] {
            ::pthread_setname_np(::pthread_self(), thread_name(static_cast<Role>(i)).data());
            loops_[i].run();
        });
    }
}

void Core::stop(std::function<void()> done) { stop_role(0, std::move(done)); }

void Core::stop_role(std::size_t step, std::function<void()> done)
{
    if (step == std::size(kStopOrder)) {
        next_stop_ = nullptr;
        done();
        return;
    }
    next_stop_ = [this, step, done] { stop_role(step + 1, done); };
    inbox_of(kStopOrder[step]).send(proto::StopRole{});
}

void Core::join()
{
    for (auto& loop : loops_) loop.stop();
    for (auto& thread : threads_)
        if (thread.joinable()) thread.join();
    if (!roles_) return;
    // In the reverse order of what they hold of each other.
    roles_->gateway.reset();
    roles_->control.reset();
    roles_->sandbox.reset();
    roles_->storage.reset();
    roles_->edge.reset();
    roles_->custody.reset();
    roles_->audit.reset();
    roles_.reset();
}

proto::CoreToRole& Core::inbox_of(Role role)
{
    switch (role) {
    case Role::gateway: return arrows_->core_to_gateway;
    case Role::control: return arrows_->core_to_control;
    case Role::custody: return arrows_->core_to_custody;
    case Role::storage: return arrows_->core_to_storage;
    case Role::sandbox: return arrows_->core_to_sandbox;
    case Role::edge: return arrows_->core_to_edge;
    case Role::audit: return arrows_->core_to_audit;
    }
    OCU_ASSERT(false);
}

}  // namespace ocu::appliance
