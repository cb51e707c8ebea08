// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// libarchive, opened for exactly one layer: one kind, at most one decompression, nothing guessed. What is inside is another layer's matter, so that no
// layer is decoded uncounted. Runs in `parser`.

#include <archive.h>

#include <memory>
#include <span>

#include "base/result.h"
#include "storage/archive_kind.h"
#include "storage/byte_source.h"

namespace ocu::storage {

// Bytes in order.
class ByteStream {
public:
    virtual ~ByteStream() = default;
    // At least one byte, or 0 at the end. Errors end the reading.
    virtual Result<std::size_t> pull(std::span<std::byte> into) = 0;
};

class ArchiveReader {
public:
    // A tar, or one compressed stream, which then is a single entry.
    static Result<std::unique_ptr<ArchiveReader>> in_order(ArchiveKind kind, ByteStream& stream);
    // A zip or 7z, which are read from their ends. `source` and `stream` outlive it.
    static Result<std::unique_ptr<ArchiveReader>> anywhere(ArchiveKind kind, ByteSource& source);

    archive* get() const { return reader_.get(); }
    // Reading failed because there was nothing to read from, and not because of what was read.
    bool source_failed() const { return source_failed_; }

private:
    ArchiveReader() : reader_(::archive_read_new()) {}
    static la_ssize_t pull(archive*, void* self, void const** out);
    static la_ssize_t read(archive*, void* self, void const** out);
    static la_int64_t skip(archive*, void* self, la_int64_t bytes);
    static la_int64_t seek(archive*, void* self, la_int64_t offset, int whence);

    struct Free {
        void operator()(archive* each) const { ::archive_read_free(each); }
    };
    ByteStream* stream_ = nullptr;
    ByteSource* source_ = nullptr;
    std::uint64_t at_ = 0;
    std::unique_ptr<std::byte[]> buffer_;
    bool source_failed_ = false;
    std::unique_ptr<archive, Free> reader_;  // first to go: it may still read
};

}  // namespace ocu::storage
