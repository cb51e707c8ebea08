// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/plans.h"

#include "appliance/listeners.h"

#include "proto/audit_to_writer.h"
#include "proto/custody_helper_to_custody.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/files_front_to_storage.h"
#include "proto/operator_front_to_control.h"
#include "proto/parser_to_storage.h"
#include "proto/storage_lane_to_edge.h"
#include "sandbox/helpers.h"

namespace ocu::appliance {

namespace {

using Descriptors = std::function<Result<std::vector<UniqueFd>>()>;

// Duplicates at each start: a descriptor goes with its process, and the next one needs it again.
Descriptors lend(std::vector<int> numbers)
{
    return [numbers = std::move(numbers)]() -> Result<std::vector<UniqueFd>> {
        std::vector<UniqueFd> copies;
        for (int const number : numbers) copies.push_back(OCU_TRY(duplicate(number)));
        return copies;
    };
}

wire::Bytes audit_writer_config(Prepared const& prepared)
{
    proto::AuditWriterConfig config;
    config.appliance_name = wire::Text<253>(prepared.applied.name);
    return wire::encode(config);
}

wire::Bytes launcher_config(Prepared const& prepared)
{
    sandbox::LauncherConfig config;
    config.run_directory = sandbox::PathText(prepared.run_directory);
    config.cgroup_prefix = wire::Text<32>(prepared.cgroup_prefix);
    config.image = sandbox::PathText(prepared.options.image);
    config.agent = sandbox::PathText(prepared.agent_file);
    config.readme = sandbox::PathText(prepared.readme_file);
    config.runc = sandbox::PathText(prepared.options.runc);
    config.runsc = sandbox::PathText(prepared.options.runsc);
    config.slots = static_cast<std::uint32_t>(prepared.applied.sandbox.slots);
    config.limits = prepared.applied.sandbox.limits;
    return wire::encode(config);
}

wire::Bytes files_front_config(Prepared const& prepared, std::string const& authority)
{
    proto::FilesFrontConfig config;
    config.hosts.push(wire::Text<255>(authority));
    if (prepared.applied.files.loopback) config.hosts.push(wire::Text<255>("localhost" + authority.substr(authority.rfind(':'))));
    return wire::encode(config);
}

std::string bound_authority(manifest::Listen listen, int listener)
{
    if (auto const port = port_of(listener)) listen.port = *port;
    return listen.authority();
}

}  // namespace

void plan_helpers(Supervisor& supervisor, Core& core, Prepared const& prepared, gateway::Config const& gateway_config)
{
    using helper::Kind;
    auto const plan = [&](Kind kind, Role role, wire::Bytes config, Descriptors descriptors = {}) {
        supervisor.plan(kind, HelperPlan{&core.inbox_of(role), std::move(config), std::move(descriptors), {}});
    };
    plan(Kind::audit_writer, Role::audit, audit_writer_config(prepared), lend({prepared.state.audit.get()}));
    plan(Kind::custody, Role::custody, wire::encode(proto::CustodyConfig{}),
        lend({prepared.state.vault.get(), prepared.state.machine_key.get()}));
    plan(Kind::launcher, Role::sandbox, launcher_config(prepared));
    plan(Kind::parser, Role::storage, wire::encode(proto::ParserConfig{}));
    plan(Kind::edge, Role::edge, wire::encode(proto::EdgeConfig{}));
    plan(Kind::storage_lane, Role::edge, wire::encode(proto::StorageLaneConfig{}));
    plan(Kind::operator_front, Role::control, wire::encode(proto::OperatorFrontConfig{}));
    plan(Kind::files_front, Role::storage,
        files_front_config(prepared, bound_authority(prepared.applied.files, prepared.files_listener.get())),
        lend({prepared.files_listener.get()}));
    plan(Kind::gateway_front, Role::gateway,
        gateway::front_config(gateway_config, bound_authority(prepared.applied.mcp, prepared.mcp_listener.get())),
        lend({prepared.mcp_listener.get()}));
}

}  // namespace ocu::appliance
