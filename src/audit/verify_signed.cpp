// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify_signed.h"

#include "audit/layout.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

// Nothing that does not hold is given out: without it the records that it speaks of are missing.
std::optional<RetentionNote> read_terms(Disk& disk, int directory, std::optional<VerifierKey> const& trusted, bool any_key, AddFinding const& add)
{
    auto const where = std::string(kRetentionPath);
    auto note = read_retention(disk, directory);
    if (!note) return add(Problem::retention_malformed, 0, where), std::nullopt;
    if (!*note) return std::nullopt;
    bool const good = (trusted && check_note(**note, *trusted)) || (any_key && check_with_any_key(disk, directory, **note));
    if (!good) return add(Problem::retention_signature_bad, 0, where), std::nullopt;
    return std::move(*note);
}

}  // namespace

Signed read_signed(Disk& disk, int directory, std::optional<VerifierKey> trusted, AddFinding const& add)
{
    Signed out;
    auto const own = read_key(disk, directory);
    if (!own) add(Problem::key_malformed, 0, std::string(kKeyPath));
    out.key_from_directory = !trusted;
    bool const has_own = own && own->has_value();
    if (trusted && has_own && format_key(*trusted) != format_key(**own)) add(Problem::key_differs, 0, std::string(kKeyPath));
    if (!trusted && has_own) trusted = **own;
    if (own && !trusted) add(Problem::key_missing, 0, std::string(kKeyPath));

    out.retention = read_terms(disk, directory, trusted, out.key_from_directory, add);

    auto const note = read_checkpoint(disk, directory);
    if (!note) return add(Problem::checkpoint_malformed, 0, std::string(kCheckpointPath)), out;
    if (!*note) return add(Problem::checkpoint_missing, 0, std::string(kCheckpointPath)), out;
    out.checkpoint = (*note)->checkpoint;
    if (out.retention && out.retention->checkpoint.origin != out.checkpoint->origin) {
        add(Problem::retention_mismatch, 0, std::string(kRetentionPath));
        out.retention.reset();
    }
    if (!trusted || check_note(**note, *trusted)) return out;
    if (out.key_from_directory && check_with_any_key(disk, directory, **note)) return out;
    add(Problem::signature_bad, 0, std::string(kCheckpointPath));
    return out;
}

}  // namespace ocu::audit
