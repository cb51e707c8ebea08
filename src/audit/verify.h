// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Checks an audit directory from its files and a public key alone: nothing of the running appliance is asked, nothing is written.
// The same code in the appliance, in the tests and in the auditor's hands.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/disk.h"
#include "audit/note.h"
#include "audit/retention_note.h"

namespace ocu::audit {

enum class Problem {
    journal_unreadable,
    segment_header,
    record_damaged,
    record_malformed,
    sequence_broken,
    chain_broken,
    log_truncated,
    root_mismatch,
    checkpoint_missing,
    checkpoint_malformed,
    key_missing,
    key_malformed,
    key_differs,
    signature_bad,
    tile_mismatch,
    tile_missing,
    bundle_mismatch,
    head_mismatch,
    stray_file,
    witnessed_malformed,
    cosignature_bad,
    cosignature_missing,
    witnessed_mismatch,
    prefix_missing,
    retention_malformed,
    retention_signature_bad,
    retention_mismatch,
    kLast = retention_mismatch,
};

std::string_view name_of(Problem problem);

struct Finding {
    Problem problem;
    std::uint64_t record;  // index from 0 of the first record concerned, or of the first that is not there
    std::string where;     // path inside the directory
};

// A head that a witness cosigned, and that lies beside the log.
struct WitnessedHead {
    std::string witness;      // as the manifest called it
    Checkpoint checkpoint;
    std::uint64_t time = 0;   // seconds since 1970, by the witness's clock
    bool key_given = false;   // the auditor brought its key; else it lay with the head
};

struct Report {
    std::vector<Finding> findings;         // the first kFindingsMax
    std::uint64_t findings_count = 0;
    std::uint64_t records = 0;              // with those that were removed
    std::uint64_t first_record = 0;         // the first that is there: those before it were removed by age, or are missing
    std::optional<RetentionNote> retention; // what lets them go: signed, and by its own terms
    std::optional<Checkpoint> checkpoint;
    Digest root{};                          // of all records
    std::uint64_t torn_tail_bytes = 0;      // written, not acknowledged, not repaired yet
    Chains chains;
    std::vector<WitnessedHead> witnessed;   // in order of size; those that hold
    bool key_from_directory = false;

    bool good() const { return findings_count == 0; }
};

struct VerifyOptions {
    std::optional<VerifierKey> key = {};  // what the auditor trusts; without it the directory's own
    std::vector<VerifierKey> witnesses = {};  // likewise: each must have cosigned a head that lies there
    std::size_t jobs = 1;                 // segments that are judged at once, each in a thread and in memory; 1..kVerifyJobsMax
    std::function<void(std::uint64_t done, std::uint64_t all)> progress = {};  // in segments; on the caller's thread
};

// Errors: os (cannot be read at all).
Result<Report> verify(Disk& disk, int directory, VerifyOptions options = {});

}  // namespace ocu::audit
