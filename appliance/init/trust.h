// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Whose manifests this machine takes. A key that is built into the image always wins; otherwise the one that a person enrolled on the
// console (T-15, T-18). Pure.

#include <string>
#include <string_view>

#include "appliance/init/sticks.h"
#include "appliance/manifest/minisign.h"
#include "appliance/manifest/refusal.h"

namespace ocu::init {

// Of a machine whose image brings a key; a path on the verified root.
inline constexpr char kBuiltInKeyFile[] = "/etc/ocu/trust.pub";

// As minisign prints it: sixteen hex digits.
std::string key_id(manifest::VerifyKey const& key);
// SHA-256 of the 42 bytes that the public key file encodes, "AB:CD:...". `tail -n1 manifest.pub | base64 -d | sha256sum` says the same.
std::string key_fingerprint(manifest::VerifyKey const& key);

// Does the candidate's signature hold under this key? Nothing of the manifest is looked at before it does.
manifest::Admission<void> check_signature(Candidate const& candidate, manifest::VerifyKey const& key);

// The key that a candidate brings for enrolment, when the candidate is signed by it. Refused in words that say what to put on the stick.
manifest::Admission<manifest::VerifyKey> key_for_enrolment(Candidate const& candidate);

// What a person is asked before that key is trusted.
std::string enrolment_question(Candidate const& candidate, manifest::VerifyKey const& key);

}  // namespace ocu::init
