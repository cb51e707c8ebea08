// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "appliance/manifest/admit_files.h"
#include "appliance/manifest/admit_network.h"
#include "appliance/manifest/admit_policy.h"
#include "appliance/manifest/schema.h"
#include "base/crypto/certificate.h"
#include "base/sealed_face.h"
#include "proto/retention.h"
#include "storage/withhold_rule.h"

namespace ocu::manifest {

using proto::Tier;
using wire::JsonView;

namespace {

constexpr std::uint64_t kMebi = 1ull << 20;
constexpr std::int64_t kIdleMax = 900;
constexpr std::int64_t kAbsoluteMax = 43'200;
constexpr std::size_t kHostBytesMax = 5u << 10;
constexpr std::string_view kTrustedOperator = "trusted_operator";

std::int64_t integer_or(JsonView section, std::string_view key, std::int64_t fallback) { return section[key].integer().value_or(fallback); }
std::size_t count_or(JsonView section, std::string_view key, std::size_t fallback)
{
    return static_cast<std::size_t>(integer_or(section, key, static_cast<std::int64_t>(fallback)));
}
std::string text_or(JsonView section, std::string_view key, std::string_view fallback)
{
    return std::string(section[key].string().value_or(fallback));
}

// The tier table of the architecture (CT-9): who drives the agent decides what holds it.
Admission<Tier> admit_tier(std::string_view profile, JsonView wanted)
{
    if (profile == "untrusted")
        return refuse("appliance.profile", "untrusted needs the hardware-virtualised tier, which this version does not have");
    bool const trusted = profile == kTrustedOperator;
    if (!wanted) return trusted ? Tier::runc : Tier::gvisor;
    Tier const tier = wanted.string() == "runc" ? Tier::runc : Tier::gvisor;
    if (tier == Tier::runc && !trusted)
        return refuse("appliance.tier", "runc is refused for " + std::string(profile) + ": use gvisor, or leave the key out");
    return tier;
}

// Where a listener is when the manifest does not say.
struct Fallback {
    std::string loopback;
    std::string_view service_port;
};

std::string fallback_of(Fallback const& fallback, Defaults const& defaults)
{
    auto const& address = defaults.service_address;
    if (address.empty()) return fallback.loopback;
    bool const ipv6 = address.find(':') != std::string::npos;
    return (ipv6 ? "[" + address + "]" : address) + std::string(fallback.service_port);
}

Admission<Listen> admit_listen(JsonView section, std::string const& name, Fallback const& fallback, Defaults const& defaults)
{
    std::string const key = name + ".listen";
    std::string const text = text_or(section, "listen", fallback_of(fallback, defaults));
    Listen listen;
    listen.by_default = !section["listen"];
    std::size_t const colon = text.rfind(':');
    std::string_view address = std::string_view(text).substr(0, colon);
    listen.ipv6 = address.starts_with('[');
    if (listen.ipv6) address = address.substr(1, address.size() - 2);
    listen.address = address;
    unsigned port = 0;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    if (port > 65'535) return refuse(key, "the port must lie between 0 (any free one) and 65535");
    listen.port = static_cast<std::uint16_t>(port);
    in6_addr six{};
    in_addr four{};
    if (::inet_pton(listen.ipv6 ? AF_INET6 : AF_INET, listen.address.c_str(), listen.ipv6 ? static_cast<void*>(&six) : &four) != 1)
        return refuse(key, "is not a numeric address and port");
    listen.loopback = listen.ipv6 ? IN6_IS_ADDR_LOOPBACK(&six) : (ntohl(four.s_addr) >> 24) == 127;
    bool const service = listen.by_default && !defaults.service_address.empty();
    listen.tls = section["tls"].boolean().value_or(service || !listen.loopback || section["tls"].is_object());
    if (!listen.tls && !listen.loopback) return refuse(name + ".tls", "without TLS, callers' keys would cross the network in the clear");
    return listen;
}

// The shape of what the manifest brings; whether key and certificate are good, and of each other, is custody's to say.
Admission<void> admit_identity(JsonView tls, Applied& applied)
{
    if (!tls.is_object()) return {};
    applied.given_certificate = text_or(tls, "certificate", "");
    applied.given_sealed_key = text_or(tls, "key", "");
    if (applied.given_certificate.contains("PRIVATE KEY"))
        return refuse("mcp.tls.certificate", "holds a private key: a manifest is no secret, seal the key into mcp.tls.key");
    if (!applied.given_certificate.contains("-----BEGIN CERTIFICATE-----"))
        return refuse("mcp.tls.certificate", std::string(crypto::text_of(crypto::IdentityFault::certificate_unreadable).reason));
    if (applied.given_sealed_key.contains("PRIVATE KEY"))
        return refuse("mcp.tls.key", "is a private key in the clear: a manifest is no secret, seal it with `ocu-appliance manifest seal`");
    auto const box = sealed::parse(applied.given_sealed_key);
    if (!box) return refuse("mcp.tls.key", std::string(crypto::text_of(crypto::IdentityFault::sealed_unreadable).reason));
    if (box->kind == sealed::Kind::passphrase)
        return refuse("mcp.tls.key", std::string(crypto::text_of(crypto::IdentityFault::sealed_to_passphrase).reason));
    return {};
}

Admission<std::vector<gateway::Caller>> admit_callers(JsonView list)
{
    std::vector<gateway::Caller> callers;
    std::set<std::string> names;
    std::set<std::string_view> hashes;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = "mcp.callers[" + std::to_string(i) + "]";
        gateway::Caller caller;
        caller.id = CallerId{i + 1};
        caller.name = text_or(list.at(i), "name", "");
        if (!names.insert(caller.name).second) return refuse(key + ".name", "is there twice");
        std::string_view const hash = list.at(i)["key_hash"].string().value_or("");
        // Two callers with one key could not be told apart on record (T-01).
        if (!hashes.insert(hash).second) return refuse(key + ".key_hash", "is another caller's");
        if (!take_key_hash(hash, caller)) return refuse(key + ".key_hash", "is not sha256:SALT:DIGEST");
        callers.push_back(std::move(caller));
    }
    return callers;
}

Admission<std::vector<control::Operator>> admit_operators(JsonView list)
{
    std::vector<control::Operator> operators;
    std::set<std::uint32_t> uids;
    std::set<std::string> names{"root"};
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = "operators[" + std::to_string(i) + "]";
        control::Operator each{static_cast<std::uint32_t>(integer_or(list.at(i), "uid", 0)), text_or(list.at(i), "name", "")};
        if (!names.insert(each.name).second) return refuse(key + ".name", "is there twice: operators are told apart by name");
        if (!uids.insert(each.uid).second) return refuse(key + ".uid", "is there twice: there are no shared accounts");
        operators.push_back(std::move(each));
    }
    return operators;
}

std::vector<std::string> texts(JsonView list)
{
    std::vector<std::string> out;
    for (std::size_t i = 0; i < list.size(); ++i) out.emplace_back(list.at(i).string().value_or(""));
    return out;
}

Admission<gateway::Config> admit_gateway(JsonView mcp, Listen const& listen)
{
    gateway::Config config;
    auto callers = admit_callers(mcp["callers"]);
    if (!callers) return std::unexpected(callers.error());
    config.callers = std::move(*callers);
    auto policy = admit_policy(mcp["policy"], config.callers);
    if (!policy) return std::unexpected(policy.error());
    config.policy = *std::move(policy);
    config.chat_id_required = mcp["chat_id"].string() == "required";
    config.tls = listen.tls;
    config.host_names = texts(mcp["hosts"]);
    std::size_t host_bytes = 0;
    for (auto const& host : config.host_names) host_bytes += host.size() + 4;
    if (host_bytes > kHostBytesMax) return refuse("mcp.hosts", "are more names than fit into a certificate");
    config.origins = texts(mcp["origins"]);
    config.public_url = listen.url();
    JsonView const limits = mcp["limits"];
    config.tool_timeout_default = std::chrono::seconds(integer_or(limits, "tool_timeout_s", 120));
    config.tool_timeout_max = std::chrono::seconds(integer_or(limits, "tool_timeout_max_s", 600));
    if (config.tool_timeout_default > config.tool_timeout_max)
        return refuse("mcp.limits.tool_timeout_s", "is above mcp.limits.tool_timeout_max_s");
    config.calls_per_caller_max = count_or(limits, "calls_per_caller", config.calls_per_caller_max);
    config.calls_per_session_queue_max = count_or(limits, "calls_per_session", config.calls_per_session_queue_max);
    config.connections_max = count_or(limits, "connections", config.connections_max);
    config.calls_per_minute_max = count_or(limits, "calls_per_minute", config.calls_per_minute_max);
    return config;
}

// CT-8: off by default for a trusted operator; for a workforce always on.
Admission<std::chrono::seconds> admit_lifetime(JsonView limits, std::string const& key, std::string_view profile, std::int64_t ceiling)
{
    bool const trusted = profile == kTrustedOperator;
    std::int64_t const value = integer_or(limits, key, trusted ? 0 : ceiling);
    if (value == 0 && !trusted) return refuse("sandbox.limits." + key, "cannot be off for " + std::string(profile));
    return std::chrono::seconds(value);
}

Admission<std::vector<ShippedDirectory>> shipped_of(JsonView mounts)
{
    std::vector<ShippedDirectory> out;
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        ShippedDirectory each{text_or(mounts.at(i), "name", ""), text_or(mounts.at(i), "sha256", "")};
        if (std::ranges::contains(out, each.name, &ShippedDirectory::name))
            return refuse("sandbox.mounts[" + std::to_string(i) + "].name", "is there twice");
        out.push_back(std::move(each));
    }
    return out;
}

sandbox::Config sandbox_config(JsonView limits)
{
    sandbox::Config config;
    config.slots = count_or(limits, "sessions", config.slots);
    auto& out = config.limits;
    out.memory_bytes = count_or(limits, "memory_mib", 2048) * kMebi;
    out.pids = static_cast<std::uint32_t>(count_or(limits, "pids", out.pids));
    out.cpu_percent = static_cast<std::uint32_t>(count_or(limits, "cpu_percent", out.cpu_percent));
    out.scratch_bytes = count_or(limits, "scratch_mib", 1024) * kMebi;
    out.scratch_inodes = count_or(limits, "scratch_inodes", out.scratch_inodes);
    out.stream_bytes = count_or(limits, "output_kib", 8192) * 1024;
    out.disk_bytes_per_s = count_or(limits, "disk_mib_per_s", out.disk_bytes_per_s / kMebi) * kMebi;
    out.disk_operations_per_s = count_or(limits, "disk_operations_per_s", out.disk_operations_per_s);
    out.disk_needed = limits["disk_mib_per_s"].integer().has_value() || limits["disk_operations_per_s"].integer().has_value();
    return config;
}

// After storage's own limits, which an upload cannot exceed.
Admission<void> admit_files(JsonView files, Applied& applied)
{
    auto& config = applied.storage.files;
    config.callers = applied.gateway.callers;
    config.requests_per_minute_max = count_or(files["limits"], "requests_per_minute", config.requests_per_minute_max);
    config.transfers_per_caller_max = count_or(files["limits"], "transfers_per_caller", config.transfers_per_caller_max);
    auto const told = files["limits"]["upload_mib"].integer();
    config.upload_bytes_max = static_cast<std::uint64_t>(told.value_or(50)) * kMebi;
    if (config.upload_bytes_max > applied.storage.file_bytes_max) {
        if (told) return refuse("files.limits.upload_mib", "is above storage.limits.file_mib");
        config.upload_bytes_max = applied.storage.file_bytes_max;
    }
    applied.storage.withhold = texts(files["withhold"]);
    for (std::size_t i = 0; i < applied.storage.withhold.size(); ++i)
        if (auto const fault = storage::WithholdRule::fault(applied.storage.withhold[i]); !fault.empty())
            return refuse("files.withhold[" + std::to_string(i) + "]", std::string(fault));
    applied.frame_ancestors = texts(files["embed"]["ancestors"]);
    for (std::size_t i = 0; i < applied.frame_ancestors.size(); ++i)
        if (applied.files.tls && applied.frame_ancestors[i].starts_with("http://"))
            return refuse("files.embed.ancestors[" + std::to_string(i) + "]",
                "is a page without TLS: whoever is on its way could act through the frame");
    if (auto verdict = admit_embed_keys(files["embed"]["keys"], config.callers, config.embed_keys); !verdict)
        return std::unexpected(verdict.error());
    return admit_types(files["types"], applied.storage.upload_types, applied.storage.output_types);
}

Admission<void> admit_control(JsonView root, Applied& applied)
{
    JsonView const limits = root["sandbox"]["limits"];
    auto operators = admit_operators(root["operators"]);
    if (!operators) return std::unexpected(operators.error());
    auto const idle = admit_lifetime(limits, "idle_s", applied.profile, kIdleMax);
    if (!idle) return std::unexpected(idle.error());
    auto const absolute = admit_lifetime(limits, "absolute_s", applied.profile, kAbsoluteMax);
    if (!absolute) return std::unexpected(absolute.error());
    auto& config = applied.control;
    config.tier = applied.tier;
    config.profile = applied.profile;
    config.appliance_name = applied.name;
    config.manifest_serial = applied.serial;
    config.manifest_digest = applied.digest;
    config.mcp_url = applied.mcp.url() + "/mcp";
    config.sessions_max = applied.sandbox.slots;
    config.warm_pool = count_or(root["sandbox"], "warm_pool", 0);
    if (config.warm_pool >= config.sessions_max) return refuse("sandbox.warm_pool", "is not below sandbox.limits.sessions");
    config.sessions_per_caller_max = count_or(root["mcp"]["limits"], "sessions_per_caller", config.sessions_per_caller_max);
    config.creates_per_minute_max = count_or(root["mcp"]["limits"], "creates_per_minute", config.creates_per_minute_max);
    config.audit_watermark_percent = static_cast<std::uint32_t>(count_or(root["audit"], "watermark", config.audit_watermark_percent));
    config.idle_max = *idle;
    config.absolute_max = *absolute;
    config.operators = std::move(*operators);
    return {};
}

}  // namespace

std::string Listen::authority() const { return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port); }
std::string Listen::url() const { return (tls ? "https://" : "http://") + authority(); }

Admission<Applied> admit(std::string_view text, Defaults const& defaults)
{
    auto const document = parse_strict(text);
    if (!document) return std::unexpected(document.error());
    JsonView const root = document->view();
    Applied applied;
    applied.serial = integer_or(root, "serial", 0);
    applied.digest = crypto::to_hex(crypto::sha256(text));
    applied.name = text_or(root["appliance"], "name", "ocu-appliance");
    applied.profile = text_or(root["appliance"], "profile", "internal_workforce");
    applied.rootfs = text_or(root["sandbox"], "rootfs", "minimal");
    // Seven years in a manifest may be counted without their leap days; they are kept with them.
    applied.retention_days = std::max<std::int64_t>(integer_or(root["audit"], "retention_days", proto::kRetentionDaysFloor), proto::kRetentionDaysFloor);
    auto shipped = shipped_of(root["sandbox"]["mounts"]);
    if (!shipped) return std::unexpected(shipped.error());
    applied.shipped = std::move(*shipped);
    auto const tier = admit_tier(applied.profile, root["appliance"]["tier"]);
    if (!tier) return std::unexpected(tier.error());
    applied.tier = *tier;
    auto mcp = admit_listen(root["mcp"], "mcp", {"127.0.0.1:8811", ":8443"}, defaults);
    if (!mcp) return std::unexpected(mcp.error());
    applied.mcp = std::move(*mcp);
    auto files = admit_listen(root["files"], "files", {"127.0.0.1:8812", ":8444"}, defaults);
    if (!files) return std::unexpected(files.error());
    applied.files = std::move(*files);
    if (applied.files.address == applied.mcp.address && applied.files.port == applied.mcp.port && applied.mcp.port != 0)
        return refuse("files.listen", "is the address of mcp.listen");
    auto network = admit_network(root["network"]);
    if (!network) return std::unexpected(network.error());
    applied.network = std::move(*network);
    auto egress = admit_egress(root["egress"], root["credentials"], applied.network.dns);
    if (!egress) return std::unexpected(egress.error());
    applied.edge = std::move(egress->config);
    applied.credentials = std::move(egress->credentials);
    if (applied.edge.webhook) applied.edge.webhook->appliance = applied.name;
    if (auto verdict = admit_identity(root["mcp"]["tls"], applied); !verdict) return std::unexpected(verdict.error());
    auto gateway = admit_gateway(root["mcp"], applied.mcp);
    if (!gateway) return std::unexpected(gateway.error());
    applied.gateway = std::move(*gateway);
    applied.sandbox = sandbox_config(root["sandbox"]["limits"]);
    JsonView const storage = root["storage"]["limits"];
    applied.storage.file_bytes_max = count_or(storage, "file_mib", 1024) * kMebi;
    applied.storage.session_bytes_max = count_or(storage, "session_mib", 4096) * kMebi;
    if (applied.storage.file_bytes_max > applied.storage.session_bytes_max)
        return refuse("storage.limits.file_mib", "is above storage.limits.session_mib");
    auto store = admit_store(root["storage"], applied.profile, applied.edge, applied.credentials);
    if (!store) return std::unexpected(store.error());
    applied.store = std::move(*store);
    applied.storage.s3 = applied.store.place;
    applied.edge.store = applied.store.endpoint;
    if (auto verdict = admit_files(root["files"], applied); !verdict) return std::unexpected(verdict.error());
    applied.audit.appliance_name = applied.name;
    auto sinks = admit_sinks(root["audit"]["sinks"], applied.edge, applied.credentials, applied.store.credential);
    if (!sinks) return std::unexpected(sinks.error());
    applied.sinks = std::move(*sinks);
    applied.audit.sinks = applied.sinks.sinks;
    applied.audit.retention_days = static_cast<std::uint32_t>(applied.retention_days);
    applied.edge.sinks = applied.sinks.endpoints;
    auto witnesses = admit_witnesses(root["audit"]["transparency_log"], applied.credentials);
    if (!witnesses) return std::unexpected(witnesses.error());
    applied.witnesses = std::move(*witnesses);
    applied.audit.witnesses = applied.witnesses.witnesses;
    // Places of one kind to edge and custody: one row of numbers.
    applied.edge.sinks.insert(applied.edge.sinks.end(), applied.witnesses.endpoints.begin(), applied.witnesses.endpoints.end());
    auto cold = admit_cold(root["audit"], applied.profile, applied.edge, applied.credentials, {applied.store, applied.sinks, applied.audit.retention_days});
    if (!cold) return std::unexpected(cold.error());
    applied.cold = std::move(*cold);
    applied.audit.cold = applied.cold.cold;
    applied.edge.cold = applied.cold.endpoint;
    if (auto verdict = admit_control(root, applied); !verdict) return std::unexpected(verdict.error());
    return applied;
}

}  // namespace ocu::manifest
