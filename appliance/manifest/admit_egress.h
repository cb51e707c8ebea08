// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's `egress` and `credentials` sections, from JSON that fits the schema to rules that open what they say and nothing more
// (EG-1, EG-3; T-05, T-12). Credentials stay sealed: only their shape is looked at. Pure.

#include <string>
#include <vector>

#include "appliance/manifest/refusal.h"
#include "edge/rule.h"
#include "proto/custody_helper_to_custody.h"
#include "wire/json.h"

namespace ocu::manifest {

// Custody alone can open it.
struct Credential {
    std::string name;
    std::string sealed;  // docs/formats/sealed.md, to the appliance's key
    proto::CredentialKind kind{};
};

struct Egress {
    edge::Config config;
    std::vector<Credential> credentials;
};

// The shortest prefixes of a rule's addresses: what is broader is not a network that somebody knows, it is everything.
inline constexpr unsigned kRangeBitsMin4 = 8;
inline constexpr unsigned kRangeBitsMin6 = 16;

// One of a list of `addresses`.
Admission<proto::AddressRange> admit_range(std::string const& key, std::string_view text);

Admission<Egress> admit_egress(wire::JsonView section, wire::JsonView credentials, std::vector<std::string> resolvers);

// Each rule in words, and what is closed. `used`: a credential that something else than egress uses.
std::string explain_egress(edge::Config const& config, std::vector<Credential> const& credentials, std::initializer_list<std::string_view> used = {});

}  // namespace ocu::manifest
