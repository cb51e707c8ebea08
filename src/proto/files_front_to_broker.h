// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// F11, where the bytes go: files-front and the broker of one session, on a channel that was made for one request. The front asks, the broker answers
// each question in order; the core's thread never sees what is said here. What the request may do came with the channel and is not said again.
//
//   list      file_list → file_entries (…)
//   read      file_open → file_opened; then each file_read → file_bytes, at most kFilePieceBytesMax: what is not asked for is not sent
//   write     file_begin → file_ready; file_piece … each answered by file_taken, at most kFileAheadBytes unanswered; file_end → file_written
//   remove    file_remove → file_removed
//
// file_fault in the place of any answer: no, and why. Whoever closes the channel ends what was under way; a write that had no file_written is undone.

#include <array>

#include "proto/archive_verdict.h"
#include "proto/reason.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kFilePathBytesMax = 4096;
inline constexpr std::size_t kFilePieceBytesMax = 60u << 10;
inline constexpr std::size_t kFileAheadBytes = 4 * kFilePieceBytesMax;
inline constexpr std::size_t kFileEntriesMax = 512;  // in one answer, and never more bytes than a frame takes
inline constexpr std::size_t kFileFrameBytesMax = 64u << 10;

using FilePath = wire::Text<kFilePathBytesMax>;  // "uploads/a/b": components apart by '/', each checked by who uses it

enum class FileKind : std::uint8_t { file, directory, link, kLast = link };

struct FileEntry {
    FilePath path;
    FileKind kind{};
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // since 1970
    std::uint64_t node = 0;  // with `modified_ns` and `size`, what an ETag is made of
    wire::Text<96> media_type;  // of a file, from its first bytes
    Reason withheld = Reason::none;  // why it is not given out, if it is not

    static void fields(auto& wire, auto& m) { wire(m.path, m.kind, m.size, m.modified_ns, m.node, m.media_type, m.withheld); }
};

enum class FileTree : std::uint8_t { one_directory, every_file, kLast = every_file };
enum class FileUse : std::uint8_t { download, preview, archive, kLast = archive };

// A page of entries after `after`, in order: of one directory by name; or of every file beneath it, depth first.
struct FileList {
    static constexpr Type kType = Type::file_list;
    FilePath path;
    FilePath after;  // empty: from the beginning
    FileTree tree{};
    FileUse use{};  // archive: it is being made one of, which is what goes on record
    std::uint32_t limit = 0;

    static void fields(auto& wire, auto& m) { wire(m.path, m.after, m.tree, m.use, m.limit); }
};

struct FileEntries {
    static constexpr Type kType = Type::file_entries;
    wire::List<FileEntry, kFileEntriesMax> entries;
    bool more = false;  // go on after the last of them

    static void fields(auto& wire, auto& m) { wire(m.entries, m.more); }
};

struct FileOpen {
    static constexpr Type kType = Type::file_open;
    FilePath path;
    FileUse use{};
    bool silent = false;  // a look at the entry alone (HEAD, 304): no byte is asked for after it

    static void fields(auto& wire, auto& m) { wire(m.path, m.use, m.silent); }
};

struct FileOpened {
    static constexpr Type kType = Type::file_opened;
    FileEntry entry;

    static void fields(auto& wire, auto& m) { wire(m.entry); }
};

struct FileRead {
    static constexpr Type kType = Type::file_read;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;

    static void fields(auto& wire, auto& m) { wire(m.offset, m.bytes); }
};

struct FileBytes {
    static constexpr Type kType = Type::file_bytes;
    wire::Text<kFilePieceBytesMax> bytes;  // fewer than asked for: the file ends here

    static void fields(auto& wire, auto& m) { wire(m.bytes); }
};

enum class Downloadable : std::uint8_t { no, yes, kLast = yes };

struct FileBegin {
    static constexpr Type kType = Type::file_begin;
    FilePath path;
    std::uint64_t bytes_told = 0;  // 0: not told
    Downloadable downloadable = Downloadable::yes;

    static void fields(auto& wire, auto& m) { wire(m.path, m.bytes_told, m.downloadable); }
};

struct FileReady {
    static constexpr Type kType = Type::file_ready;

    static void fields(auto& wire, auto&) { wire(); }
};

struct FilePiece {
    static constexpr Type kType = Type::file_piece;
    wire::Text<kFilePieceBytesMax> bytes;

    static void fields(auto& wire, auto& m) { wire(m.bytes); }
};

struct FileTaken {
    static constexpr Type kType = Type::file_taken;
    std::uint32_t bytes = 0;

    static void fields(auto& wire, auto& m) { wire(m.bytes); }
};

struct FileEnd {
    static constexpr Type kType = Type::file_end;

    static void fields(auto& wire, auto&) { wire(); }
};

struct FileWritten {
    static constexpr Type kType = Type::file_written;
    FileEntry entry;
    wire::Text<64> sha256;  // hex
    bool replaced = false;

    static void fields(auto& wire, auto& m) { wire(m.entry, m.sha256, m.replaced); }
};

struct FileRemove {
    static constexpr Type kType = Type::file_remove;
    FilePath path;

    static void fields(auto& wire, auto& m) { wire(m.path); }
};

struct FileRemoved {
    static constexpr Type kType = Type::file_removed;

    static void fields(auto& wire, auto&) { wire(); }
};

struct FileFault {
    static constexpr Type kType = Type::file_fault;
    Reason reason{};
    ArchiveRule rule{};  // of archive_refused

    static void fields(auto& wire, auto& m) { wire(m.reason, m.rule); }
};

inline constexpr std::array kFrontMaySendFiles{
    wire::Permit{static_cast<std::uint16_t>(Type::file_list), 0, 2 * kFilePathBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::file_open), 0, kFilePathBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::file_read), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::file_begin), 0, kFilePathBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::file_piece), 0, kFileFrameBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::file_end), 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::file_remove), 0, kFilePathBytesMax + 64},
};
inline constexpr std::array kBrokerMaySendFiles{
    wire::Permit{static_cast<std::uint16_t>(Type::file_entries), 0, kFileFrameBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::file_opened), 0, kFilePathBytesMax + 256},
    wire::Permit{static_cast<std::uint16_t>(Type::file_bytes), 0, kFileFrameBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::file_ready), 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::file_taken), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::file_written), 0, kFilePathBytesMax + 512},
    wire::Permit{static_cast<std::uint16_t>(Type::file_removed), 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::file_fault), 0, 8},
};

}  // namespace ocu::proto
