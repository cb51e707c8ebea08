// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// With which key and certificate the service answers: the machine's own, or those of the manifest, judged first.

#include <expected>

#include "custody/vault.h"
#include "proto/custody_helper_to_custody.h"

namespace ocu::custody {

struct ServiceIdentity {
    std::string certificate_pem;
    Secret key_pem;
};

// The names that the own certificate carries, hosts and addresses told apart.
crypto::CertificateNames certificate_names(proto::CustodyConfig const& config);

// Both empty where nothing is served over TLS. The sealed key of the manifest is opened here, and nowhere else.
std::expected<ServiceIdentity, crypto::IdentityFault> service_identity(
    proto::CustodyConfig const& config, Keys const& keys, std::chrono::sys_seconds now);

}  // namespace ocu::custody
