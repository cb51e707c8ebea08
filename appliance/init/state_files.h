// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the first process keeps in the state directory: the enrolled key and the manifests. Everything else in there is the core's.

#include <optional>
#include <string>

#include "appliance/init/sticks.h"
#include "appliance/manifest/minisign.h"
#include "appliance/manifest/refusal.h"

namespace ocu::init {

// Errors: os.
Result<void> make_state_directories();

struct TrustedKey {
    std::optional<manifest::VerifyKey> key;  // none: nobody is trusted yet
    bool built_in = false;
};
// The image's key wins over an enrolled one. Errors: os, malformed: one was meant to be there.
Result<TrustedKey> find_trusted_key();
// The file that the core is told.
std::string trusted_key_file();
// Never over another. Durable when it returns. Errors: os, conflict.
Result<void> keep_trusted_key(std::string const& public_key);

// The file in which a manifest lies, its signature beside it. `digest`: 64 hex digits.
std::string manifest_file(std::string const& digest);
Result<void> keep_manifest(Candidate const& candidate, std::string const& digest);

// The last applied serial as the core remembers it; "" before the first.
manifest::Admission<std::string> remembered_serial();

}  // namespace ocu::init
