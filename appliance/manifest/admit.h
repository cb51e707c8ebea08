// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// From a manifest's text to what each role is told. Everything that would weaken a boundary is refused here, with the key and the
// reason (invariant 13), and nothing is applied in part. Pure.

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

    std::string authority() const;  // address:port as a URL has it
    std::string url() const;        // http(s)://authority
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
    std::int64_t retention_days = 0;
    gateway::Config gateway;
    control::Config control;
    storage::Config storage;
    sandbox::Config sandbox;
    audit::Config audit;
};

Admission<Applied> admit(std::string_view text);

}  // namespace ocu::manifest
