// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The parts of `files` that are more than a number: who may make embed tokens for whom, and which kinds of files come in and go out. Pure.

#include "appliance/manifest/refusal.h"
#include "storage/files_access.h"
#include "storage/storage.h"
#include "wire/json.h"

namespace ocu::manifest {

// "sha256:SALT:DIGEST", as in a caller's or an embedding application's key_hash. False: it is none.
bool take_key_hash(std::string_view text, helper::Caller& out);

Admission<void> admit_embed_keys(wire::JsonView list, std::vector<helper::Caller> const& callers, std::vector<storage::EmbedKey>& out);
Admission<void> admit_types(wire::JsonView types, proto::TypeLists& uploads, proto::TypeLists& outputs);

// What both open, in words.
std::string explain_files(storage::Config const& config);

}  // namespace ocu::manifest
