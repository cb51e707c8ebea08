// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/trust.h"

#include <algorithm>
#include <array>
#include <span>

#include "appliance/manifest/files.h"

namespace ocu::manifest {

namespace {

constexpr std::size_t kNoteBytesMax = 64;
// From the weakest: the less the driver is trusted, the more is held.
constexpr std::array<std::string_view, 3> kProfiles{"trusted_operator", "internal_workforce", "untrusted"};
constexpr std::array kTiers{proto::Tier::runc, proto::Tier::gvisor};

std::size_t strictness(std::string_view profile) { return static_cast<std::size_t>(std::ranges::find(kProfiles, profile) - kProfiles.begin()); }
std::size_t strictness(proto::Tier tier) { return static_cast<std::size_t>(std::ranges::find(kTiers, tier) - kTiers.begin()); }

std::string in_words(Trust const& trust) { return trust.profile + "/" + std::string(proto::name_of(trust.tier)); }

}  // namespace

Recalled read_trust(std::string_view note)
{
    auto const blank = note.find(' ');
    if (blank == std::string_view::npos || !note.ends_with('\n')) return {.damaged = true, .trust = {}};
    auto const profile = note.substr(0, blank);
    auto const tier_name = note.substr(blank + 1, note.size() - blank - 2);
    auto const tier = std::ranges::find(kTiers, tier_name, [](proto::Tier each) { return proto::name_of(each); });
    if (std::ranges::find(kProfiles, profile) == kProfiles.end() || tier == kTiers.end()) return {.damaged = true, .trust = {}};
    return {.damaged = false, .trust = Trust{std::string(profile), *tier}};
}

Recalled recall_trust(std::string const& state_dir)
{
    auto const note = read_file(state_dir + "/" + kTrustNoteFile, kNoteBytesMax);
    if (note) return read_trust(*note);
    return {.damaged = note.error().fault != Fault::not_found, .trust = {}};
}

Result<void> remember_trust(std::string const& state_dir, Trust const& trust)
{
    std::string const line = trust.profile + " " + std::string(proto::name_of(trust.tier)) + "\n";
    return write_file(state_dir + "/" + kTrustNoteFile, std::as_bytes(std::span(line)), 0600, Replace::yes);
}

std::optional<std::string> downgrade(Recalled const& before, Trust const& next)
{
    if (before.damaged) return "unknown->" + in_words(next);
    if (!before.trust) return std::nullopt;
    auto const& last = *before.trust;
    if (strictness(next.profile) >= strictness(last.profile) && strictness(next.tier) >= strictness(last.tier)) return std::nullopt;
    return in_words(last) + "->" + in_words(next);
}

}  // namespace ocu::manifest
