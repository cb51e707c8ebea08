// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/archive_reader.h"

#include <cerrno>
#include <cstdio>

namespace ocu::storage {

namespace {

constexpr std::size_t kBufferBytes = 64u << 10;

int filter_of(ArchiveKind kind)
{
    switch (kind) {
    case ArchiveKind::gzip: return ARCHIVE_FILTER_GZIP;
    case ArchiveKind::xz: return ARCHIVE_FILTER_XZ;
    case ArchiveKind::zstd: return ARCHIVE_FILTER_ZSTD;
    default: return ARCHIVE_FILTER_NONE;
    }
}

// What may be wrong, and what is skipped: names stay the bytes that they are (there is no conversion in this library), and a tar goes on behind the
// zeros that end it, as some unpack it.
int support(archive* a, ArchiveKind kind)
{
    switch (kind) {
    case ArchiveKind::tar:
        if (::archive_read_support_format_tar(a) != ARCHIVE_OK) return ARCHIVE_FATAL;
        ::archive_read_set_option(a, "tar", "hdrcharset", "BINARY");
        return ::archive_read_set_option(a, "tar", "read_concatenated_archives", "1");
    case ArchiveKind::zip: return ::archive_read_support_format_zip_seekable(a);
    case ArchiveKind::seven_zip: return ::archive_read_support_format_7zip(a);
    default:
        if (::archive_read_support_format_raw(a) != ARCHIVE_OK || ::archive_read_support_format_empty(a) != ARCHIVE_OK)
            return ARCHIVE_FATAL;
        // The filter is named and not looked for: libarchive would undo twenty of them in one go.
        return ::archive_read_append_filter(a, filter_of(kind));
    }
}

}  // namespace

la_ssize_t ArchiveReader::pull(archive* a, void* self, void const** out)
{
    auto& reader = *static_cast<ArchiveReader*>(self);
    auto const got = reader.stream_->pull(std::span(reader.buffer_.get(), kBufferBytes));
    if (!got) {
        reader.source_failed_ = true;
        ::archive_set_error(a, EIO, "no more bytes");
        return ARCHIVE_FATAL;
    }
    *out = reader.buffer_.get();
    return static_cast<la_ssize_t>(*got);
}

la_ssize_t ArchiveReader::read(archive* a, void* self, void const** out)
{
    auto& reader = *static_cast<ArchiveReader*>(self);
    auto const got = reader.source_->read_at(reader.at_, std::span(reader.buffer_.get(), kBufferBytes));
    if (!got) {
        reader.source_failed_ = true;
        ::archive_set_error(a, EIO, "no more bytes");
        return ARCHIVE_FATAL;
    }
    reader.at_ += *got;
    *out = reader.buffer_.get();
    return static_cast<la_ssize_t>(*got);
}

la_int64_t ArchiveReader::skip(archive*, void* self, la_int64_t bytes)
{
    auto& reader = *static_cast<ArchiveReader*>(self);
    if (bytes <= 0 || static_cast<std::uint64_t>(bytes) > reader.source_->size() - std::min(reader.at_, reader.source_->size())) return 0;
    reader.at_ += static_cast<std::uint64_t>(bytes);
    return bytes;
}

la_int64_t ArchiveReader::seek(archive*, void* self, la_int64_t offset, int whence)
{
    auto& reader = *static_cast<ArchiveReader*>(self);
    auto const size = static_cast<la_int64_t>(reader.source_->size());
    la_int64_t const base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? static_cast<la_int64_t>(reader.at_) : size;
    if (offset < -base || offset > size - base) return ARCHIVE_FATAL;
    reader.at_ = static_cast<std::uint64_t>(base + offset);
    return base + offset;
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::in_order(ArchiveKind kind, ByteStream& stream)
{
    std::unique_ptr<ArchiveReader> made(new ArchiveReader);
    auto* const a = made->get();
    if (a == nullptr || support(a, kind) != ARCHIVE_OK) return fail(Fault::os, "no archive reader");
    made->stream_ = &stream;
    made->buffer_ = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes);
    // What breaks off before its first byte comes out would pass for empty, but that the filter has complained.
    bool const open = ::archive_read_open(a, made.get(), nullptr, pull, nullptr) == ARCHIVE_OK && ::archive_errno(a) == 0;
    if (!open) return fail(Fault::malformed, "not an archive");
    return made;
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::anywhere(ArchiveKind kind, ByteSource& source)
{
    std::unique_ptr<ArchiveReader> made(new ArchiveReader);
    auto* const a = made->get();
    if (a == nullptr || support(a, kind) != ARCHIVE_OK) return fail(Fault::os, "no archive reader");
    made->source_ = &source;
    made->buffer_ = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes);
    ::archive_read_set_callback_data(a, made.get());
    ::archive_read_set_read_callback(a, read);
    ::archive_read_set_skip_callback(a, skip);
    ::archive_read_set_seek_callback(a, seek);
    if (::archive_read_open1(a) != ARCHIVE_OK) return fail(Fault::malformed, "not an archive");
    return made;
}

}  // namespace ocu::storage
