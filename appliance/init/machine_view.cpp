// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/machine_view.h"

#include <dirent.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <format>

#include "appliance/init/ground.h"
#include "appliance/manifest/files.h"

namespace ocu::init {

namespace {

constexpr std::size_t kSmallFileBytesMax = 64u << 10;
constexpr std::size_t kCardsMax = 64;
constexpr char kStateKept[] = "in memory only: gone at power-off";

std::string read_state_file(char const* name)
{
    auto text = manifest::read_file(std::string(kStateDirectory) + name, kSmallFileBytesMax);
    return text ? std::move(*text) : std::string();
}

// Files of the kernel say that they hold a page; what is read is short.
std::string first_line_of(std::string const& path)
{
    auto text = manifest::read_file(path, kSmallFileBytesMax);
    return text ? text->substr(0, text->find('\n')) : std::string();
}

// Each card with its own address, whatever a bond has it say now: that is the one to write into a manifest.
std::vector<std::string> network_cards()
{
    std::vector<std::string> cards;
    std::unique_ptr<DIR, int (*)(DIR*)> const folder(::opendir("/sys/class/net"), ::closedir);
    while (folder && cards.size() < kCardsMax) {
        auto const* const entry = ::readdir(folder.get());
        if (entry == nullptr) break;
        std::string const name = entry->d_name;
        std::string const place = "/sys/class/net/" + name;
        if (name.front() == '.' || ::access((place + "/device").c_str(), F_OK) != 0) continue;  // bonds, VLANs, loopback
        auto mac = first_line_of(place + "/bonding_slave/perm_hwaddr");
        if (mac.empty()) mac = first_line_of(place + "/address");
        if (!mac.empty()) cards.push_back(name + " " + mac);
    }
    std::ranges::sort(cards);
    return cards;
}

std::int64_t seconds(WallTime wall) { return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count(); }

template <std::size_t N>
void cut(wire::Text<N>& out, std::string_view text)
{
    out = wire::Text<N>::cut(text);
}

proto::ScreenInterface shown(InterfaceState const& state)
{
    proto::ScreenInterface out;
    cut(out.name, state.name);
    cut(out.role, state.role);
    cut(out.device, state.device);
    out.carrier = state.carrier;
    std::string addresses;
    for (auto const& each : state.addresses) addresses += (addresses.empty() ? "" : ", ") + each;
    cut(out.addresses, addresses);
    cut(out.trouble, state.trouble);
    return out;
}

}  // namespace

std::string own_fingerprint() { return certificate_fingerprint(read_state_file("/mcp.crt")); }

proto::ScreenState screen_state(MachineView const& view, std::string const& fingerprint)
{
    proto::ScreenState out;
    out.phase = view.plan.phase();
    cut(out.version, OCU_VERSION);
    cut(out.manifest_note, view.plan.note());
    cut(out.trust, view.plan.trust_in_words());
    if (auto const* const applied = view.plan.applied()) {
        cut(out.name, applied->name);
        cut(out.profile, applied->profile);
        cut(out.tier, proto::name_of(applied->tier));
        cut(out.manifest_digest, applied->digest);
        out.manifest_serial = static_cast<std::uint64_t>(applied->serial);
    }
    if (out.phase == proto::MachinePhase::serving) {
        cut(out.mcp_url, view.urls.mcp_url);
        cut(out.files_url, view.urls.files_url);
        cut(out.fingerprint, fingerprint);
        out.sessions = view.status.sessions;
        out.helpers_up = view.status.helpers_up;
        out.helpers = view.status.helpers;
        out.frozen = view.status.frozen;
        // Half a line of 80 columns is all that there is.
        cut(out.vault_key, view.status.vault_key == appliance::KeyBinding::tpm ? "sealed to the TPM" : "in a file, no TPM");
    }
    cut(out.clock_source, view.time.source());
    cut(out.clock_trouble, view.time.trouble());
    cut(out.state_kept, kStateKept);
    cut(out.secure_boot, view.secure_boot);
    out.wall_clock = seconds(view.clock.wall());
    out.uptime_s = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(view.clock.now() - view.started).count());
    for (auto const& each : view.network.state())
        if (!out.interfaces.full()) out.interfaces.push(shown(each));
    if (out.phase == proto::MachinePhase::serving && view.status.audit_disk_percent != 0)
        out.warnings.push(wire::Text<200>::cut(std::format("The disk of the record is {} % full: make room", view.status.audit_disk_percent)));
    if (view.secure_boot != "on") out.warnings.push(wire::Text<200>::cut("Secure Boot is " + view.secure_boot));
    if (auto const trouble = view.time.trouble(); !trouble.empty()) out.warnings.push(wire::Text<200>::cut(trouble));
    return out;
}

ReportFacts report_facts(MachineView const& view, WriteReport const& wanted)
{
    ReportFacts facts;
    facts.candidate_digest = crypto::to_hex(crypto::sha256(wanted.on.manifest));
    facts.refused_key = wanted.refused_key;
    facts.refused_reason = wanted.refused_reason;
    if (auto const* const applied = view.plan.in_force()) {
        facts.serial = applied->serial;
        facts.digest = applied->digest;
        facts.manifest = view.plan.manifest_in_force();
        facts.name = applied->name;
        facts.profile = applied->profile;
        facts.tier = proto::name_of(applied->tier);
        facts.mcp_url = view.urls.mcp_url;
        facts.files_url = view.urls.files_url;
        facts.certificate_pem = read_state_file("/mcp.crt");
        facts.checkpoint_key = read_state_file("/audit/keys/checkpoint.pub");
        facts.vault_key = appliance::in_words(view.status.vault_key);
        facts.sealing_key = read_state_file("/appliance.pub");
    }
    if (view.plan.trusted()) facts.trusted_key_id = key_id(*view.plan.trusted());
    facts.version = OCU_VERSION;
    utsname kernel{};
    if (::uname(&kernel) == 0) facts.kernel = kernel.release;
    facts.secure_boot = view.secure_boot;
    facts.clock_source = view.time.source();
    facts.clock_trouble = view.time.trouble();
    facts.interfaces = view.network.state();
    facts.macs = network_cards();
    facts.when = seconds(view.clock.wall());
    return facts;
}

}  // namespace ocu::init
