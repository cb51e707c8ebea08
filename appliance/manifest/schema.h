// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The grammar of a manifest, once: the JSON Schema that `manifest schema` prints is the one that is enforced. What needs more than one
// key to judge is admit.h's. Of JSON Schema, exactly the keywords in kSchemaKeywords are understood and used.
// "x-not-yet": this part is declared by the format and has no effect in this version. It must be absent or empty, and the text says so:
// a declaration that would be ignored is refused (T-15).

#include <array>

#include "appliance/manifest/refusal.h"
#include "wire/json.h"

namespace ocu::manifest {

inline constexpr std::size_t kManifestBytesMax = 1u << 20;
inline constexpr std::size_t kManifestDepthMax = 12;

inline constexpr std::array<std::string_view, 20> kSchemaKeywords{"$schema", "$id", "title", "description", "default", "type", "const",
    "enum", "properties", "required", "additionalProperties", "items", "maxItems", "minimum", "maximum", "minLength", "maxLength",
    "pattern", "x-not-yet", "x-why"};

// The schema as text: JSON, draft 2020-12.
std::string_view schema_text();

// Parses, and checks against the schema. Every refusal names the key.
Admission<wire::Json> parse_strict(std::string_view text);

// `value` against `schema`; `key` is its path.
Admission<void> check(wire::JsonView schema, wire::JsonView value, std::string const& key);

}  // namespace ocu::manifest
