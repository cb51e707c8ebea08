// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The log and those who vouch from outside that it only ever grew (C2SP tlog-witness): what a witness is asked, and what it means when a
// counter-signed head comes back, on a stick or by mail. Nothing is written, nothing is asked of the network.

#include <string>
#include <vector>

#include "audit/disk.h"
#include "audit/note.h"

namespace ocu::audit {

// The body of an add-checkpoint request: that the checkpoint continues the tree of `old_size` records which the witness saw last; 0: it has
// seen none. Errors: not_found (no checkpoint, or no such earlier tree), malformed (the tiles do not prove it), os.
Result<std::string> witness_request(Disk& disk, int directory, std::uint64_t old_size);

struct Witnessed {
    std::string name;
    std::uint64_t time = 0;  // seconds since 1970, by the witness's clock
};

struct ImportedHead {
    Checkpoint checkpoint;
    std::vector<Witnessed> witnesses;
};

// That `note` is a head of this very log, signed with its key, cosigned by each of `witnesses`, and that what the directory holds now continues it.
// `key`: what the auditor trusts; without it the directory's own. Errors: denied (a signature is missing or wrong, another log's, or a log
// that does not continue that head: it was rewritten), not_found (the directory is behind the head, or has none), malformed, os.
Result<ImportedHead> check_imported(
    Disk& disk, int directory, Note const& note, std::optional<VerifierKey> key, std::vector<VerifierKey> const& witnesses);

}  // namespace ocu::audit
