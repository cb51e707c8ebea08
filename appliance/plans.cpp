// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/plans.h"

#include "appliance/listeners.h"

#include <algorithm>

#include "proto/audit_to_writer.h"
#include "proto/custody_helper_to_custody.h"
#include "proto/edge_to_notifier.h"
#include "proto/edge_to_uplink.h"
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
    config.authority = sandbox::PathText(prepared.authority_file);
    config.runc = sandbox::PathText(prepared.options.runc);
    config.runsc = sandbox::PathText(prepared.options.runsc);
    for (auto const& each : prepared.applied.shipped) config.shipped.push(wire::Text<32>(each.name));
    config.slots = static_cast<std::uint32_t>(prepared.applied.sandbox.slots);
    config.limits = prepared.applied.sandbox.limits;
    return wire::encode(config);
}

// Each front gets a socket of its own, with custody at the other end: the key passes the core by (docs/decisions/0011-service-identity.md).
Descriptors lend_front(Core& core, helper::Kind front, manifest::Listen const& listen, int listener)
{
    return [&core, front, listener, tls = listen.tls]() -> Result<std::vector<UniqueFd>> {
        std::vector<UniqueFd> out;
        out.push_back(OCU_TRY(duplicate(listener)));
        if (!tls) return out;
        auto pair = OCU_TRY(make_socket_pair());
        core.identity_inbox().send(proto::IdentityWanted{std::move(pair.ours), helper::name_of(front)});
        out.push_back(std::move(pair.theirs));
        return out;
    };
}

// The vault's directory, and its key: from a TPM, if there is one, at each start anew.
Descriptors lend_custody(Prepared const& prepared)
{
    return [directory = prepared.state.state.get(), key = prepared.machine_key]() mutable -> Result<std::vector<UniqueFd>> {
        std::vector<UniqueFd> out;
        out.push_back(OCU_TRY(duplicate(directory)));
        out.push_back(OCU_TRY(key.open()));
        return out;
    };
}

// The host of a listener, where it is one that clients can name.
void push_address(proto::CustodyConfig& config, manifest::Listen const& listen)
{
    bool const any = listen.address == "0.0.0.0" || listen.address == "::";
    bool const known = std::ranges::any_of(config.names.items(), [&](auto const& name) { return name.view() == listen.address; });
    if (!any && !known) config.names.push(listen.address);
}

wire::Bytes custody_config(manifest::Applied const& applied)
{
    proto::CustodyConfig config;
    if (applied.given_certificate.empty()) {
        for (auto const* listen : {&applied.mcp, &applied.files})
            if (listen->tls) push_address(config, *listen);
        if (applied.mcp.loopback || applied.files.loopback) config.names.push("localhost");
        for (auto const& host : applied.gateway.host_names)
            if (host != "localhost") config.names.push(host);
        config.serve = applied.mcp.tls || applied.files.tls ? proto::ServeTls::own : proto::ServeTls::no;
    } else {
        config.certificate = decltype(config.certificate)(applied.given_certificate);
        config.sealed_key = decltype(config.sealed_key)(applied.given_sealed_key);
        config.serve = proto::ServeTls::given;
    }
    config.bumps = applied.bumps();
    for (auto const& each : applied.credentials) config.credentials.push({each.name, each.sealed, each.kind});
    for (auto const& rule : applied.edge.rules)
        if (rule.injection) config.scoped.push({rule.name, rule.injection->credential, rule.injection->environment});
    config.store_credential = wire::Text<64>(applied.store.credential);
    config.cold_credential = wire::Text<64>(applied.cold.credential);
    config.hot_days = applied.cold.cold ? applied.cold.cold->hot_days : 0;
    for (auto const* keys : {&applied.sinks.keys, &applied.witnesses.keys})
        for (auto const& each : *keys) config.sinks.push({each.client, each.token});
    if (applied.edge.webhook) config.notice_key = wire::Text<64>(applied.edge.webhook->key);
    return wire::encode(config);
}

wire::Bytes uplink_config(manifest::Applied const& applied)
{
    proto::UplinkConfig config;
    for (auto const& resolver : applied.edge.resolvers) config.resolvers.push(wire::Text<64>(resolver));
    config.proxy = applied.edge.proxy;
    return wire::encode(config);
}

wire::Bytes notifier_config(manifest::Applied const& applied)
{
    proto::NotifierConfig config;
    if (auto const& webhook = applied.edge.webhook)
        config = {wire::Text<253>(webhook->host), wire::Text<300>(webhook->authority), wire::Text<1024>(webhook->target), webhook->tls};
    return wire::encode(config);
}

wire::Bytes storage_lane_config(manifest::Applied const& applied)
{
    auto const destinations = [](edge::StoreEndpoint const& store) {
        proto::LaneDestinations out{{}, store.port, store.own_addresses};
        for (auto const& each : store.addresses) out.addresses.push(each);
        return out;
    };
    return wire::encode(proto::StorageLaneConfig{destinations(applied.edge.store), destinations(applied.edge.cold)});
}

wire::Bytes files_front_config(Prepared const& prepared, std::string const& authority)
{
    proto::FilesFrontConfig config;
    config.hosts.push(wire::Text<255>(authority));
    config.tls = prepared.applied.files.tls;
    auto const port = authority.substr(authority.rfind(':'));
    if (prepared.applied.files.loopback) config.hosts.push(wire::Text<255>("localhost" + port));
    for (auto const& host : prepared.applied.gateway.host_names) {
        if (!wire::Text<255>::fits(host + port) || config.hosts.items().size() + 2 > decltype(config.hosts)::kMax) continue;
        config.hosts.push(host + port);
        if (port == ":443") config.hosts.push(host);
    }
    config.chat_id_required = prepared.applied.gateway.chat_id_required;
    config.upload_bytes_max = prepared.applied.storage.files.upload_bytes_max;
    for (auto const& each : prepared.applied.frame_ancestors) config.ancestors.push(each);
    return wire::encode(config);
}

std::string bound_authority(manifest::Listen listen, int listener)
{
    if (auto const port = port_of(listener)) listen.port = *port;
    return listen.authority();
}

}  // namespace

custody::Config custody_sources(manifest::Applied const& applied)
{
    custody::Config config{applied.name, {}};
    for (auto const& rule : applied.edge.rules)
        if (rule.injection && rule.injection->source)
            config.sources.push_back({rule.name, *rule.injection->source, rule.injection->format == "{basic}"});
    return config;
}

void plan_helpers(Supervisor& supervisor, Core& core, Prepared const& prepared, gateway::Config const& gateway_config)
{
    using helper::Kind;
    auto const plan = [&](Kind kind, Role role, wire::Bytes config, Descriptors descriptors = {}) {
        supervisor.plan(kind, HelperPlan{&core.inbox_of(role), std::move(config), std::move(descriptors), {}});
    };
    plan(Kind::audit_writer, Role::audit, audit_writer_config(prepared), lend({prepared.state.audit.get()}));
    plan(Kind::custody, Role::custody, custody_config(prepared.applied), lend_custody(prepared));
    std::vector<int> shipped;
    for (auto const& each : prepared.shipped) shipped.push_back(each.get());
    plan(Kind::launcher, Role::sandbox, launcher_config(prepared), lend(std::move(shipped)));
    plan(Kind::parser, Role::storage, wire::encode(proto::ParserConfig{}));
    plan(Kind::uplink, Role::edge, uplink_config(prepared.applied));
    plan(Kind::notifier, Role::edge, notifier_config(prepared.applied), lend({prepared.notifier_roots.get()}));
    plan(Kind::storage_lane, Role::edge, storage_lane_config(prepared.applied));
    plan(Kind::operator_front, Role::control, wire::encode(proto::OperatorFrontConfig{}));
    plan(Kind::files_front, Role::storage,
        files_front_config(prepared, bound_authority(prepared.applied.files, prepared.files_listener.get())),
        lend_front(core, Kind::files_front, prepared.applied.files, prepared.files_listener.get()));
    plan(Kind::gateway_front, Role::gateway,
        gateway::front_config(gateway_config, bound_authority(prepared.applied.mcp, prepared.mcp_listener.get())),
        lend_front(core, Kind::gateway_front, prepared.applied.mcp, prepared.mcp_listener.get()));
}

}  // namespace ocu::appliance
