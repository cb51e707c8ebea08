// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// From a manifest's text to what each role is told. Everything that would weaken a boundary is refused here, with the key and the
// reason (invariant 13), and nothing is applied in part. Pure.

#include <algorithm>

#include "appliance/manifest/admit_cold.h"
#include "appliance/manifest/admit_egress.h"
#include "appliance/manifest/admit_sinks.h"
#include "appliance/manifest/admit_witnesses.h"
#include "appliance/manifest/admit_store.h"
#include "appliance/manifest/network.h"
#include "appliance/manifest/refusal.h"
#include "audit/audit.h"
#include "control/control.h"
#include "gateway/gateway.h"
#include "sandbox/sandbox.h"
#include "storage/storage.h"

namespace ocu::manifest {

struct Listen {
    std::string address;  // numeric, IPv6 without brackets
    std::uint16_t port = 0;
    bool ipv6 = false;
    bool loopback = false;
    bool tls = false;
    bool by_default = false;  // the manifest leaves it to the machine: Defaults::service_address

    std::string authority() const;  // address:port as a URL has it
    std::string url() const;        // http(s)://authority
};

// What a manifest may leave to the machine that it is applied on.
struct Defaults {
    // Numeric, without brackets. Where it is known, mcp.listen and files.listen are by default its ports 8443 and 8444, with TLS;
    // otherwise 127.0.0.1:8811 and :8812.
    std::string service_address;
};

// A read-only file system of the operator's: the file NAME.erofs beside the manifest, with exactly this content.
struct ShippedDirectory {
    std::string name;
    std::string sha256;  // hex
};

// One manifest, admitted. gateway::Config::instructions is the integrator's (it describes the guest image).
struct Applied {
    std::int64_t serial = 0;
    std::string digest;  // SHA-256 of the file, hex
    std::string name;
    std::string profile;
    proto::Tier tier{};
    Listen mcp;
    Listen files;
    // An identity that the manifest brings, for both listeners; empty: the machine's own. Only custody can open the key.
    std::string given_certificate;  // PEM chain
    std::string given_sealed_key;
    std::string rootfs;  // minimal, standard, full
    std::vector<ShippedDirectory> shipped;
    std::int64_t retention_days = 0;
    Network network;
    edge::Config edge;
    std::vector<Credential> credentials;  // sealed, for custody

    // Some connection is ended here and made anew: guests must trust our authority for it.
    bool bumps() const
    {
        return std::ranges::any_of(edge.rules, [](edge::Rule const& rule) { return rule.rung == edge::Rung::bump; });
    }
    gateway::Config gateway;
    control::Config control;
    Store store;
    storage::Config storage;
    std::vector<std::string> frame_ancestors;  // origins that may show the files page in a frame
    sandbox::Config sandbox;
    audit::Config audit;
    Sinks sinks;  // as the manifest has them; what each role needs of them is in its own part
    Witnesses witnesses;  // likewise
    ColdTier cold;        // likewise
};

Admission<Applied> admit(std::string_view text, Defaults const& defaults = {});

}  // namespace ocu::manifest
