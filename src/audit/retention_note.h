// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The retention checkpoint (docs/formats/audit.md): a tree head that also says which records need not be there any more, by which policy, and
// where every source's chain stood after the last of them. Signed with the log's key, in a C2SP signed note. Pure. What parse_retention accepts
// is canonical, as in note.h.

#include "audit/disk.h"
#include "audit/note.h"
#include "proto/retention.h"

namespace ocu::audit {

struct RetentionNote : SignedText {
    Checkpoint checkpoint;        // the tree when it was signed
    proto::RetentionTerms terms;
    Chains chains;                // before the first record that is kept
};

std::string format_retention(Checkpoint const& checkpoint, proto::RetentionTerms const& terms, Chains const& chains);  // the text that is signed
// Errors: malformed (also: terms that do not hold, or that speak of records which the tree does not have). Proves nothing yet.
Result<RetentionNote> parse_retention(std::string_view text);
// As it lies in the directory; nothing: none. Errors: malformed, os.
Result<std::optional<RetentionNote>> read_retention(Disk& disk, int directory);

}  // namespace ocu::audit
