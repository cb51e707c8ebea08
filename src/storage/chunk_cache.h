// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A bounded number of chunks in the clear, the least recently used given up first: those that were written and are not appended yet, so that
// a program that writes a little at a time does not have a chunk sealed for each write, and those read last. Pure; the memory is locked with
// the rest of the process (helper::keep_out_of_swap_and_cores).

#include <array>
#include <list>

#include "storage/tree_nodes.h"

namespace ocu::storage {

struct ChunkBuffer {
    Node* node = nullptr;
    std::uint64_t index = 0;
    bool dirty = false;
    std::list<ChunkBuffer>::iterator self;
    std::array<std::byte, kChunkBytes> bytes;
};

class ChunkCache {
public:
    explicit ChunkCache(std::size_t chunks_max) : chunks_max_(chunks_max) {}

    bool full() const { return all_.size() >= chunks_max_; }
    // The buffer to be given up next. Not empty.
    ChunkBuffer& oldest() { return all_.back(); }
    // The oldest that can be given up without being written; null if there is none.
    ChunkBuffer* oldest_clean();
    // A buffer for this chunk, of any contents; not full().
    ChunkBuffer& add(Node& node, std::uint64_t index);
    void use(ChunkBuffer& buffer) { all_.splice(all_.begin(), all_, buffer.self); }
    // Takes it out of its chunk too.
    void remove(ChunkBuffer& buffer);
    void set_dirty(ChunkBuffer& buffer);
    void set_clean(ChunkBuffer& buffer);
    std::size_t dirty() const { return dirty_; }
    std::list<ChunkBuffer>& all() { return all_; }

private:
    std::size_t chunks_max_;
    std::size_t dirty_ = 0;
    std::list<ChunkBuffer> all_;  // the last used first
};

}  // namespace ocu::storage
