// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The bytes of a session's files: which chunk holds them, what waits to be appended, and what they cost. Names, times and permissions are
// SessionTree's.
//
// Whole chunks that are written at once go to the store at once; parts of chunks wait in the cache until a close, an fsync, the timer, or
// until their buffer is needed. What cannot be appended stays in the cache and is tried again: nothing is given up, and who needs room that
// cannot be made is refused instead. A file costs its size less its holes.
//
// Errors: EIO (a chunk does not open, the store fails), ENOSPC (the quota or the store is full), EFBIG.
//
//   threats   T-06 guest exhausts the host

#include "storage/chunk_cache.h"
#include "storage/quota.h"
#include "storage/tree_journal.h"

namespace ocu::storage {

class FileContents {
public:
    // `damaged` is called when a chunk did not open.
    FileContents(ChunkStore& store, TreeJournal& journal, Quota& quota, std::uint64_t file_bytes_max)
        : store_(store), journal_(journal), quota_(quota), file_bytes_max_(file_bytes_max)
    {}

    void on_damage(std::function<void()> damaged) { damaged_ = std::move(damaged); }

    Answer<std::size_t> read(Node& node, std::span<char> into, std::uint64_t offset);
    // What was written may be less than what was given, as with write(2).
    Answer<std::size_t> write(Node& node, std::span<char const> bytes, std::uint64_t offset);
    Answer<void> resize(Node& node, std::uint64_t size);
    // From now on there is room for these bytes. With `grows` the file becomes as long.
    enum class Grows : std::uint8_t { no, yes };
    Answer<void> reserve(Node& node, std::uint64_t offset, std::uint64_t length, Grows grows);
    // Zeros from now on; whole chunks become holes.
    Answer<void> clear(Node& node, std::uint64_t offset, std::uint64_t length);
    // As SEEK_DATA and SEEK_HOLE: ENXIO beyond the end.
    Answer<std::uint64_t> next_data(Node const& node, std::uint64_t offset) const;
    Answer<std::uint64_t> next_hole(Node const& node, std::uint64_t offset) const;

    // Appends what waits of this file.
    Answer<void> write_out(Node& node);
    // Of every file that has a name.
    Answer<void> write_out_all();
    bool waits() const { return cache_.dirty() != 0; }
    // The file is gone.
    void discard(Node& node);
    // See ChunkStore::Housekeeping.
    bool moved(Node& node, std::uint64_t index, ChunkPlace const& was, ChunkPlace const& now);
    // For a tree that is read again: nothing is dropped meanwhile. False: out of bounds.
    void set_replaying(bool replaying) { replaying_ = replaying; }
    bool replay_place(Node& node, std::uint64_t index, ChunkPlace const& place);
    void replay_clear(Node& node, std::uint64_t first, std::uint64_t count);
    bool replay_size(Node& node, std::uint64_t size);

    // Bytes appended since the last call.
    std::uint64_t take_appended() { return std::exchange(appended_, 0); }
    std::uint64_t appended() const { return appended_; }

    static std::uint64_t cost(FileData const& file, std::uint64_t size);

private:
    Answer<void> afford(FileData const& file, std::uint64_t first, std::uint64_t end, std::uint64_t size);
    Answer<void> write_whole(Node& node, std::uint64_t first, std::span<char const> bytes);
    Answer<void> write_part(Node& node, std::uint64_t offset, std::span<char const> bytes);
    Answer<void> zero_part(Node& node, std::uint64_t offset, std::uint64_t length);
    std::size_t whole_run(FileData const& file, std::uint64_t first, std::size_t chunks_max);
    Answer<void> make_space();
    // The chunk's bytes in the clear; made if it was a hole.
    Answer<ChunkBuffer*> buffer_of(Node& node, std::uint64_t index);
    Answer<void> open_chunks(Node const& node, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into);
    void drop(ChunkPlace const& place);
    void set_place(Node& node, std::uint64_t index, ChunkPlace const& place);
    void note_places(Node& node, std::uint64_t first, std::span<ChunkPlace const> places);
    std::uint64_t erase_chunks(Node& node, std::uint64_t first, std::uint64_t end);
    void clear_chunks(Node& node, std::uint64_t first, std::uint64_t end);
    Answer<void> append_run(Node& node, std::uint64_t first, std::span<std::byte const> bytes);

    ChunkStore& store_;
    TreeJournal& journal_;
    Quota& quota_;
    std::uint64_t file_bytes_max_;
    std::function<void()> damaged_;
    ChunkCache cache_{kCachedChunksMax};
    std::uint64_t chunks_ = 0;  // of all files
    std::uint64_t appended_ = 0;
    bool replaying_ = false;
    std::vector<ChunkPlace> run_;  // reused
    std::vector<std::byte> gathered_;
};

}  // namespace ocu::storage
