// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Who is asked for a rule's credential instead of the manifest (docs/formats/secret-source.md). Pure.

#include <span>
#include <string>

#include "appliance/manifest/admit_egress.h"

namespace ocu::manifest {

// `key` is the path of `source`. Refused: neither or both of unix and endpoint, a path that is not absolute, another scheme than https, a certificate
// that cannot be read, a client that is no client_certificate of credentials[].
Admission<proto::SecretSource> admit_source(std::string const& key, wire::JsonView wanted, std::span<Credential const> credentials);

}  // namespace ocu::manifest
