// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/export.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "audit/layout.h"
#include "audit/limits.h"

namespace ocu::audit {

namespace {

constexpr mode_t kMode = 0444;
constexpr unsigned kDepthMax = 12;

struct FreeArchive {
    void operator()(archive* tar) const { archive_write_free(tar); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Archive = std::unique_ptr<archive, FreeArchive>;

Result<Archive> open_archive(int out)
{
    Archive tar(archive_write_new());
    if (!tar) return fail(Fault::os, "no memory for an archive");
    // Our names are short and ASCII, so the plainest format holds them. The last block is not padded: zstd would not take it.
    if (archive_write_set_format_ustar(tar.get()) != ARCHIVE_OK || archive_write_add_filter_zstd(tar.get()) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(tar.get(), 1) != ARCHIVE_OK || archive_write_open_fd(tar.get(), out) != ARCHIVE_OK)
        return fail(Fault::os, "begin an archive");
    return tar;
}

Result<void> add_file(Disk& disk, int directory, archive* tar, std::string const& path)
{
    auto const bytes = OCU_TRY(disk.read_file(directory, path, kSegmentBytesMax));
    std::unique_ptr<archive_entry, FreeEntry> const entry(archive_entry_new());
    if (!entry) return fail(Fault::os, "no memory for an archive");
    archive_entry_set_pathname(entry.get(), ("audit/" + path).c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), kMode);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    if (archive_write_header(tar, entry.get()) < ARCHIVE_WARN) return fail(Fault::os, "write to the archive");
    if (archive_write_data(tar, bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size()))
        return fail(Fault::os, "write to the archive");
    return {};
}

Result<void> add_tree(Disk& disk, int directory, archive* tar, std::string const& path, unsigned depth)
{
    if (depth == kDepthMax) return fail(Fault::malformed, "folders too deep");
    auto const names = disk.list(directory, path);
    if (!names && names.error().fault == Fault::not_found) return {};  // a partial tile that has just become full
    if (!names) return add_file(disk, directory, tar, path);
    for (auto const& name : *names) OCU_CHECK(add_tree(disk, directory, tar, path + "/" + name, depth + 1));
    return {};
}

}  // namespace

Result<void> export_archive(Disk& disk, int directory, int out)
{
    // What lets go of old records, and the records, are of the same moment.
    auto const terms_of = [&] { return disk.read_file(directory, std::string(kRetentionPath), kNoteBytesMax).value_or(std::string()); };
    auto const terms = terms_of();
    auto const tar = OCU_TRY(open_archive(out));
    auto const checkpoint = add_file(disk, directory, tar.get(), "checkpoint");
    if (!checkpoint && checkpoint.error().fault != Fault::not_found) return checkpoint;
    auto const retention = add_file(disk, directory, tar.get(), std::string(kRetentionPath));
    if (!retention && retention.error().fault != Fault::not_found) return retention;
    for (char const* const folder : {"keys", "journal", "tile", "sources", "witnessed"}) OCU_CHECK(add_tree(disk, directory, tar.get(), folder, 0));
    if (terms_of() != terms) return fail(Fault::conflict, "old records were removed meanwhile: export again");
    if (archive_write_close(tar.get()) != ARCHIVE_OK) return fail(Fault::os, "finish the archive");
    return {};
}

}  // namespace ocu::audit
