// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where the bytes of a session's files lie, as the tree of its files sees it: chunks that are written once, found again by their place,
// and dropped; and a journal of the tree's changes beside them. The tree keeps in memory which place holds which chunk, so a chunk that was
// exchanged, moved, cut off or put back to an older one does not open (SB-3).
//
// Threading: the loop's thread of `broker`; calls may block on the store. Errors are errno values for the guest: EIO (a chunk does not open
// or the store fails), ENOSPC (the store is full).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "storage/answer.h"

namespace ocu::storage {

using Inode = std::uint64_t;

inline constexpr std::size_t kChunkBytes = 16u << 10;

// Number 0: a hole, nothing is stored.
struct ChunkPlace {
    std::uint64_t number = 0;  // of the record, rising, never used twice: what is there must have been sealed as exactly this one
    std::uint32_t segment = 0;
    std::uint32_t offset = 0;
};

class ChunkStore {
public:
    virtual ~ChunkStore() = default;

    // Seals `plain` as the chunks `first`, `first` + 1, … of `inode`, kChunkBytes each, the last one perhaps shorter, and appends them.
    // Nothing of it is kept when it fails.
    virtual Answer<std::vector<ChunkPlace>> append(Inode inode, std::uint64_t first, std::span<std::byte const> plain) = 0;
    // Opens the chunks `first`, … of `inode` into `into`, each kChunkBytes but the last. A chunk that was shorter is followed by zeros; one
    // with number 0 is all zeros. EIO for one that is not what was appended; whoever asks says so on record.
    virtual Answer<void> read(Inode inode, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into) = 0;
    // Nothing refers to it any more. The change by which that came about is in the next batch of changes at the latest: until that one is
    // appended the chunk's bytes stay, since a store that is opened again may still need them.
    virtual void drop(ChunkPlace const& place) = 0;

    // Seals and appends a batch of the tree's changes, at most kChangesBytesMax, after all chunks that it speaks of.
    virtual Answer<void> append_changes(std::span<std::byte const> changes) = 0;
    // All that was appended survives the death of this process: what close(2) promises. On an error it is still kept, for the next time.
    virtual Answer<void> settle() { return {}; }
    // All that was appended survives a power cut.
    virtual Answer<void> sync() = 0;

    // How the store keeps its size in proportion to what is alive: it asks, between two operations and never from within one.
    struct Housekeeping {
        // The chunk was appended anew at `now`: a change like another, in the next batch. The store itself drops `was`. False if `was` is
        // not what the tree has for it: then both are dead. With `now` equal to `was` it is only asked (a store that was opened again).
        std::function<bool(Inode inode, std::uint64_t index, ChunkPlace const& was, ChunkPlace const& now)> moved;
        // Hands the whole tree to `each`, batch after batch, as append_changes() would get it on an empty store. What waits to be
        // appended goes to append_changes() before that, so that it is not applied once more on top of a tree that has it already.
        std::function<Answer<void>(std::function<Answer<void>(std::span<std::byte const>)> const& each)> whole;
    };
    virtual void keep_house(Housekeeping house) = 0;
    // A bounded step of it, at most about a mebibyte moved; false: nothing left to do. Called by the loop when no request waits.
    virtual Answer<bool> housekeeping_step() = 0;
};

inline constexpr std::size_t kChangesBytesMax = 256u << 10;

}  // namespace ocu::storage
