// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest as a file: found with its signature, checked against the key that this machine trusts, and never older than the last one
// that was applied (T-15). Nothing of it is parsed before its signature has been verified.

#include "appliance/manifest/admit.h"

namespace ocu::manifest {

// Where the last applied serial is kept, below STATE.
inline constexpr char kSerialFile[] = "state/manifest.serial";
// The key that is trusted when none is named: STATE/state/trust.pub.
inline constexpr char kTrustFile[] = "state/trust.pub";

// `path`: manifest.json, with manifest.json.minisig beside it. `trust_key_path`: minisign public key; empty = STATE/state/trust.pub.
// `state_dir`: STATE. A serial equal to the last one is accepted only with the same content (a restart).
Admission<Applied> load_manifest(
    std::string const& path, std::string const& trust_key_path, std::string const& state_dir, Defaults const& defaults = {});

// Once the record "manifest applied" is on disk: what is older is refused from now on. Durable when it returns.
Result<void> remember_serial(std::string const& state_dir, Applied const& applied);

// The last applied serial and digest against those of a manifest. `remembered` is the file's text, empty if there is none.
Admission<void> check_serial(std::string_view remembered, std::int64_t serial, std::string_view digest);

// Verifies and reads; no admission.
Admission<std::string> read_verified(std::string const& path, std::string const& trust_key_path);

}  // namespace ocu::manifest
