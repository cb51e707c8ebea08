// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/explain.h"

#include <chrono>
#include <format>

#include "appliance/manifest/admit_files.h"
#include "appliance/manifest/admit_policy.h"
#include "base/crypto/certificate.h"

namespace ocu::manifest {

namespace {

std::string listed(std::vector<std::string> const& names)
{
    std::string out;
    for (auto const& name : names) out += (out.empty() ? "" : ", ") + printable(name);
    return out;
}

// Before the network is up, the booted machine's own address is not known; it listens on the service interface's alone.
bool on_service_interface(Listen const& listen) { return listen.by_default && listen.address == "0.0.0.0"; }

std::string where(Listen const& listen, std::string_view path)
{
    if (on_service_interface(listen)) return std::format("https://SERVICE-ADDRESS:{}{}", listen.port, path);
    return listen.url() + std::string(path);
}

std::string reach(Listen const& listen)
{
    if (on_service_interface(listen)) return "everyone who can reach the service interface";
    if (listen.loopback) return "this machine only";
    return "everyone who can reach that address";
}

std::string cards(Interface const& interface)
{
    std::string out = interface.bond.empty() ? "the only card" : "a bond of " + listed(interface.bond);
    if (!interface.mac.empty()) out = "the card " + interface.mac;
    if (!interface.device.empty()) out = "the card " + interface.device;
    return interface.vlan ? out + std::format(", VLAN {}", *interface.vlan) : out;
}

std::string line_of(Interface const& interface)
{
    std::string addresses;
    for (auto const& each : interface.addresses)
        addresses += std::format("{}{}/{}", addresses.empty() ? "" : ", ", each.address, each.prefix);
    if (interface.addressing == Interface::Addressing::dhcp) addresses = "address and gateway from DHCP";
    for (auto const& gateway : {interface.gateway4, interface.gateway6})
        if (!gateway.empty()) addresses += ", gateway " + gateway;
    std::string const role = interface.role == Interface::Role::service ? "service" : "operator";
    return std::format("  {} ({}): {}; {}; MTU {}.\n", interface.name, role, cards(interface), addresses, interface.mtu);
}

// The section is the booted machine's: whoever reads this on an ordinary host must not think that it changes that.
std::string network_lines(Network const& network)
{
    std::string out = "Network of the booted machine; a program that runs on somebody's host leaves that host's network and clock alone:\n";
    if (network.interfaces.empty()) out += "  service (service): the only card; address and gateway from DHCP; MTU 1500.\n";
    for (auto const& each : network.interfaces) out += line_of(each);
    if (!network.dns.empty()) out += std::format("  Names are resolved by {}.\n", listed(network.dns));
    for (auto const& each : network.time)
        out += std::format("  Time from {} at {}, port {}, authenticated.\n", printable(each.host), each.address, each.port);
    if (network.not_before != 0)
        out += std::format("  The clock is never taken to be earlier than {:%FT%TZ}.\n",
            std::chrono::sys_seconds(std::chrono::seconds(network.not_before)));
    return out + "\n";
}

std::string lifetime(std::chrono::seconds value) { return value.count() == 0 ? "no limit" : std::format("{} s", value.count()); }

}  // namespace

std::string explain(Applied const& applied)
{
    constexpr std::uint64_t kMebi = 1u << 20;
    auto const& limits = applied.sandbox.limits;
    std::string out = std::format("Appliance {}, manifest serial {}\n  digest sha256:{}\n\n", applied.name, applied.serial, applied.digest);
    out += std::format("Who drives the agent: {}. Commands run in {} sandboxes, image {}.\n", applied.profile, proto::name_of(applied.tier),
        applied.rootfs);
    for (auto const& each : applied.shipped)
        out += std::format("Every sandbox sees, read-only at /mnt/ocu/{}, what is in {}.erofs, if its SHA-256 is {}.\n", each.name, each.name, each.sha256);
    out += std::format("Opens {} to {}{}.\n", where(applied.mcp, "/mcp"), reach(applied.mcp), applied.mcp.tls ? "" : ", without TLS");
    out += std::format(
        "Opens {} (files) to {}{}.\n", where(applied.files, "/"), reach(applied.files), applied.files.tls ? "" : ", without TLS");
    if (!applied.given_certificate.empty()) {
        auto const fingerprint = crypto::certificate_fingerprint(applied.given_certificate);
        out += std::format("TLS shows the certificate of this manifest, SHA-256 {}; its key is sealed to one appliance.\n",
            fingerprint ? crypto::fingerprint_text(*fingerprint) : "unknown");
    } else if (applied.mcp.tls || applied.files.tls) {
        out += "TLS shows a certificate that the machine makes itself, for a key that never leaves it.\n";
    }
    std::vector<std::string> callers;
    for (auto const& caller : applied.gateway.callers) callers.push_back(caller.name);
    out += callers.empty() ? "No caller is declared: every call will be refused.\n"
                           : std::format("{} caller(s), each with a key: {}.\n", callers.size(), listed(callers));
    out += explain_policy(applied.gateway.policy, applied.gateway.callers);
    out += applied.gateway.chat_id_required ? "A call without a chat id is refused.\n"
                                            : "Calls without a chat id share the sandbox `default` of their caller.\n";
    if (!applied.gateway.origins.empty()) out += std::format("Scripts of these web pages may call: {}.\n", listed(applied.gateway.origins));
    std::vector<std::string> operators{"root"};
    for (auto const& each : applied.control.operators) operators.push_back(std::format("{} (uid {})", each.name, each.uid));
    out += std::format("Operators, on the local socket: {}.\n", listed(operators));
    out += explain_egress(applied.edge, applied.credentials, {applied.store.credential, applied.cold.credential}) + "\n";
    out += network_lines(applied.network);
    out += std::format("At most {} sessions, {} per caller. Each: {} MiB memory, {} processes, {} % of a core, {} MiB scratch, {} MiB and {} operations a second of a disk{}.\n",
        applied.control.sessions_max, applied.control.sessions_per_caller_max, limits.memory_bytes / kMebi, limits.pids, limits.cpu_percent,
        limits.scratch_bytes / kMebi, limits.disk_bytes_per_s / kMebi, limits.disk_operations_per_s, limits.disk_needed ? "" : " where the host can tell");
    if (applied.control.warm_pool != 0)
        out += std::format("{} sandbox(es) are kept ready, of no caller until one asks, while callers leave slots free.\n", applied.control.warm_pool);
    out += std::format("A session ends after being idle for: {}; in any case after: {}.\n", lifetime(applied.control.idle_max),
        lifetime(applied.control.absolute_max));
    out += std::format("{}: {} MiB in all, {} MiB each.\n", explain_store(applied.store), applied.storage.session_bytes_max / kMebi,
        applied.storage.file_bytes_max / kMebi);
    out += std::format(
        "Callers may put up to {} MiB at once into a session over the files listener, and ask it {} times a minute, {} at once.\n",
        applied.storage.files.upload_bytes_max / kMebi, applied.storage.files.requests_per_minute_max,
        applied.storage.files.transfers_per_caller_max);
    out += explain_files(applied.storage);
    if (!applied.storage.withhold.empty())
        out += std::format("Files that may not leave their session, nor a copy of them where what is sent is looked into: {}.\n",
            listed(applied.storage.withhold));
    if (!applied.frame_ancestors.empty())
        out += std::format("These web pages may show the files page in a frame: {}.\n", listed(applied.frame_ancestors));
    out += explain_sinks(applied.sinks);
    out += explain_witnesses(applied.witnesses);
    out += explain_cold(applied.cold);
    out += std::format("The record is kept for at least {} days. When its disk is {} % full, that is on record and an alarm.\n", applied.retention_days,
        applied.control.audit_watermark_percent);
    return out;
}

}  // namespace ocu::manifest
