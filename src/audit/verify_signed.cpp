// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify_signed.h"

#include "audit/layout.h"
#include "audit/recover.h"

namespace ocu::audit {

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

    auto const note = read_checkpoint(disk, directory);
    if (!note) return add(Problem::checkpoint_malformed, 0, std::string(kCheckpointPath)), out;
    if (!*note) return add(Problem::checkpoint_missing, 0, std::string(kCheckpointPath)), out;
    out.checkpoint = (*note)->checkpoint;
    if (!trusted || check_note(**note, *trusted)) return out;
    if (out.key_from_directory && check_with_any_key(disk, directory, **note)) return out;
    add(Problem::signature_bad, 0, std::string(kCheckpointPath));
    return out;
}

}  // namespace ocu::audit
