// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Who may drive the agent and what holds it, remembered from one manifest to the next: one that holds less is good, but never unsaid (CT-9).

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/control_to_sandbox.h"

namespace ocu::manifest {

// Where that of the last applied manifest is kept, below STATE: one line, profile, blank, tier.
inline constexpr char kTrustNoteFile[] = "state/manifest.trust";

struct Trust {
    std::string profile;
    proto::Tier tier{};
};

// What is known of the manifest before. Damaged counts as stricter than anything: rather a downgrade too many on record than one too few.
struct Recalled {
    bool damaged = false;
    std::optional<Trust> trust;  // none and not damaged: there was no manifest before
};

Recalled read_trust(std::string_view note);
// Never fails: what cannot be read is damaged.
Recalled recall_trust(std::string const& state_dir);
// Once the downgrade, if it is one, is on record. Durable when it returns.
Result<void> remember_trust(std::string const& state_dir, Trust const& trust);

// "from->to" if `next` has a weaker profile or a weaker tier than what was before. Stricter in the one does not make up for the other.
std::optional<std::string> downgrade(Recalled const& before, Trust const& next);

}  // namespace ocu::manifest
