// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/chunk_cache.h"

#include <ranges>

#include "base/assert.h"

namespace ocu::storage {

ChunkBuffer* ChunkCache::oldest_clean()
{
    for (auto& buffer : std::views::reverse(all_))
        if (!buffer.dirty) return &buffer;
    return nullptr;
}

ChunkBuffer& ChunkCache::add(Node& node, std::uint64_t index)
{
    OCU_ASSERT(!full());
    auto& buffer = all_.emplace_front();
    buffer.node = &node;
    buffer.index = index;
    buffer.self = all_.begin();
    return buffer;
}

void ChunkCache::remove(ChunkBuffer& buffer)
{
    set_clean(buffer);
    if (auto const chunk = buffer.node->file->chunks.find(buffer.index);
        chunk != buffer.node->file->chunks.end() && chunk->second.buffer == &buffer)
        chunk->second.buffer = nullptr;
    all_.erase(buffer.self);
}

void ChunkCache::set_dirty(ChunkBuffer& buffer)
{
    if (buffer.dirty) return;
    buffer.dirty = true;
    ++dirty_;
    buffer.node->file->dirty.emplace(buffer.index, &buffer);
}

void ChunkCache::set_clean(ChunkBuffer& buffer)
{
    if (!buffer.dirty) return;
    buffer.dirty = false;
    --dirty_;
    buffer.node->file->dirty.erase(buffer.index);
}

}  // namespace ocu::storage
