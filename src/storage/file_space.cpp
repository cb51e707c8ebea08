// SPDX-License-Identifier: GPL-3.0-or-later
// What files cost, sizes, reserved ranges and holes.
#include <algorithm>
#include <cstring>

#include "storage/file_contents.h"

namespace ocu::storage {

namespace {

std::uint64_t chunks_for(std::uint64_t bytes) { return bytes / kChunkBytes + (bytes % kChunkBytes != 0 ? 1 : 0); }

bool has_data(Chunk const& chunk) { return chunk.buffer != nullptr || chunk.place.number != 0; }

}  // namespace

// The last chunk of a file costs what the file has of it.
std::uint64_t FileContents::cost(FileData const& file, std::uint64_t size)
{
    auto const whole = file.chunks.size() * kChunkBytes;
    auto const within = size % kChunkBytes;
    return within != 0 && file.chunks.contains(size / kChunkBytes) ? whole - (kChunkBytes - within) : whole;
}

// Whether the file may have the chunks of [from, end) and this size.
Answer<void> FileContents::afford(FileData const& file, std::uint64_t from, std::uint64_t end, std::uint64_t size)
{
    auto const first = from / kChunkBytes;
    auto const last = chunks_for(end);
    std::uint64_t present = 0;
    for (auto at = file.chunks.lower_bound(first); at != file.chunks.end() && at->first < last; ++at) ++present;
    auto const added = last - first - present;
    if (added > kTreeChunksMax - std::min(chunks_, kTreeChunksMax)) return refuse(ENOSPC);
    auto after = (file.chunks.size() + added) * kChunkBytes;
    auto const tail = size / kChunkBytes;
    if (size % kChunkBytes != 0 && ((tail >= first && tail < last) || file.chunks.contains(tail)))
        after -= kChunkBytes - size % kChunkBytes;
    auto const before = cost(file, file.size);
    if (after > before && !quota_.has_bytes(after - before)) return refuse(ENOSPC);
    return {};
}

std::uint64_t FileContents::erase_chunks(Node& node, std::uint64_t first, std::uint64_t end)
{
    auto& chunks = node.file->chunks;
    std::uint64_t erased = 0;
    for (auto at = chunks.lower_bound(first); at != chunks.end() && at->first < end; ++erased) {
        if (at->second.buffer != nullptr) cache_.remove(*at->second.buffer);
        drop(at->second.place);
        at = chunks.erase(at);
    }
    chunks_ -= erased;
    return erased;
}

void FileContents::clear_chunks(Node& node, std::uint64_t first, std::uint64_t end)
{
    if (erase_chunks(node, first, end) != 0) journal_.note(node, ChunksCleared{node.id, first, end - first});
}

Answer<void> FileContents::zero_part(Node& node, std::uint64_t offset, std::uint64_t length)
{
    auto const chunk = node.file->chunks.find(offset / kChunkBytes);
    if (length == 0 || chunk == node.file->chunks.end() || !has_data(chunk->second)) return {};
    auto const buffer = buffer_of(node, offset / kChunkBytes);
    if (!buffer) return refuse(buffer.error());
    std::memset((*buffer)->bytes.data() + offset % kChunkBytes, 0, length);
    cache_.set_dirty(**buffer);
    return {};
}

Answer<void> FileContents::resize(Node& node, std::uint64_t size)
{
    auto& file = *node.file;
    if (size > file_bytes_max_) return refuse(EFBIG);
    auto const before = cost(file, file.size);
    if (size > file.size) {
        auto const after = cost(file, size);
        if (after > before && !quota_.has_bytes(after - before)) return refuse(ENOSPC);
    } else {
        // What is cut off must not come back when the file grows again.
        auto const within = size % kChunkBytes;
        if (auto const zeroed = zero_part(node, size, within == 0 || size == file.size ? 0 : kChunkBytes - within); !zeroed) return zeroed;
        clear_chunks(node, chunks_for(size), UINT64_MAX);
    }
    file.size = size;
    quota_.resized(before, cost(file, size));
    return {};
}

Answer<void> FileContents::reserve(Node& node, std::uint64_t offset, std::uint64_t length, Grows grows)
{
    auto& file = *node.file;
    if (offset > file_bytes_max_ || length > file_bytes_max_ - offset) return refuse(EFBIG);
    auto const end = offset + length;
    auto const size = grows == Grows::yes ? std::max(file.size, end) : file.size;
    if (auto const paid = afford(file, offset, end, size); !paid) return paid;
    auto const before = cost(file, file.size);
    auto const first = offset / kChunkBytes;
    auto const last = chunks_for(end);
    bool added = false;
    for (auto index = first; index < last; ++index)
        if (file.chunks.try_emplace(index).second) {
            ++chunks_;
            added = true;
        }
    if (added) journal_.note(node, ChunksReserved{node.id, first, last - first});
    file.size = size;
    quota_.resized(before, cost(file, size));
    return {};
}

Answer<void> FileContents::clear(Node& node, std::uint64_t offset, std::uint64_t length)
{
    auto& file = *node.file;
    if (offset >= file.size) return {};
    auto const before = cost(file, file.size);
    auto const end = length > file.size - offset ? file.size : offset + length;
    auto const first = chunks_for(offset);
    // Beyond the file's end a chunk holds zeros: a range that reaches the end takes the whole chunk.
    auto const last = end == file.size ? chunks_for(end) : end / kChunkBytes;
    if (first > last) {
        if (auto const zeroed = zero_part(node, offset, end - offset); !zeroed) return zeroed;
    } else {
        if (auto const zeroed = zero_part(node, offset, first * kChunkBytes - offset); !zeroed) return zeroed;
        if (end > last * kChunkBytes)
            if (auto const zeroed = zero_part(node, last * kChunkBytes, end - last * kChunkBytes); !zeroed) return zeroed;
        if (first < last) clear_chunks(node, first, last);
    }
    quota_.resized(before, cost(file, file.size));
    return {};
}

Answer<std::uint64_t> FileContents::next_data(Node const& node, std::uint64_t offset) const
{
    auto const& file = *node.file;
    if (offset >= file.size) return refuse(ENXIO);
    for (auto at = file.chunks.lower_bound(offset / kChunkBytes); at != file.chunks.end() && at->first * kChunkBytes < file.size; ++at)
        if (has_data(at->second)) return std::max(offset, at->first * kChunkBytes);
    return refuse(ENXIO);
}

Answer<std::uint64_t> FileContents::next_hole(Node const& node, std::uint64_t offset) const
{
    auto const& file = *node.file;
    if (offset >= file.size) return refuse(ENXIO);
    auto index = offset / kChunkBytes;
    for (auto at = file.chunks.find(index); at != file.chunks.end() && at->first == index && has_data(at->second); ++at) ++index;
    return std::min(std::max(offset, index * kChunkBytes), file.size);
}

void FileContents::discard(Node& node)
{
    quota_.resized(cost(*node.file, node.file->size), 0);
    erase_chunks(node, 0, UINT64_MAX);
    node.file->size = 0;
}

bool FileContents::replay_place(Node& node, std::uint64_t index, ChunkPlace const& place)
{
    if (index >= chunks_for(file_bytes_max_) || chunks_ >= kTreeChunksMax) return false;
    auto const before = cost(*node.file, node.file->size);
    auto const [at, fresh] = node.file->chunks.try_emplace(index);
    if (fresh) ++chunks_;
    if (place.number != 0) at->second.place = place;
    quota_.resized(before, cost(*node.file, node.file->size));
    return true;
}

void FileContents::replay_clear(Node& node, std::uint64_t first, std::uint64_t count)
{
    auto const before = cost(*node.file, node.file->size);
    erase_chunks(node, first, count > UINT64_MAX - first ? UINT64_MAX : first + count);
    quota_.resized(before, cost(*node.file, node.file->size));
}

bool FileContents::replay_size(Node& node, std::uint64_t size)
{
    if (size > file_bytes_max_) return false;
    auto const before = cost(*node.file, node.file->size);
    node.file->size = size;
    quota_.resized(before, cost(*node.file, size));
    return true;
}

}  // namespace ocu::storage
