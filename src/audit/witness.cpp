// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/witness.h"

#include "audit/layout.h"
#include "audit/prove.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

Result<void> check_key(Disk& disk, int directory, Note const& note, std::optional<VerifierKey> const& trusted)
{
    if (trusted) return check_note(note, *trusted);
    auto const own = OCU_TRY(read_key(disk, directory));
    if (!own) return fail(Fault::not_found, "the directory has no key");
    if (check_note(note, *own) || check_with_any_key(disk, directory, note)) return {};
    return fail(Fault::denied, "no key of this log signed it");
}

}  // namespace

Result<std::string> witness_request(Disk& disk, int directory, std::uint64_t old_size)
{
    // Read whole and first: the proof must lead to this very checkpoint.
    auto const text = OCU_TRY(disk.read_file(directory, std::string(kCheckpointPath), kNoteBytesMax));
    auto const note = OCU_TRY(parse_note(text));
    std::string out = "old " + std::to_string(old_size) + "\n";
    if (old_size > 0) {
        auto const proof = OCU_TRY(consistency_from(disk, directory, old_size));
        if (proof.checkpoint.size != note.checkpoint.size) return fail(Fault::conflict, "the log grew meanwhile: ask again");
        for (auto const& hash : proof.path) out += crypto::to_base64(hash) + "\n";
    }
    return out + "\n" + text;
}

Result<ImportedHead> check_imported(
    Disk& disk, int directory, Note const& note, std::optional<VerifierKey> key, std::vector<VerifierKey> const& witnesses)
{
    auto const own = OCU_TRY(read_checkpoint(disk, directory));
    if (!own) return fail(Fault::not_found, "there is no checkpoint yet");
    if (own->checkpoint.origin != note.checkpoint.origin) return fail(Fault::denied, "the head is another log's");
    OCU_CHECK(check_key(disk, directory, *own, key));
    OCU_CHECK(check_key(disk, directory, note, key));
    ImportedHead out{note.checkpoint, {}};
    for (auto const& witness : witnesses) out.witnesses.push_back({witness.name, OCU_TRY(check_cosignature(note, witness))});
    if (note.checkpoint.size > own->checkpoint.size) return fail(Fault::not_found, "the head is ahead of this log: records are missing here");
    if (note.checkpoint.size == 0) return out;
    auto const proof = OCU_TRY(consistency_from(disk, directory, note.checkpoint.size));
    if (proof.old_root != note.checkpoint.root) return fail(Fault::denied, "this log does not continue that head: it was rewritten");
    return out;
}

}  // namespace ocu::audit
