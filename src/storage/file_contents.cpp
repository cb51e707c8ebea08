// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing. What a file costs and gives up is file_space.cpp.
#include "storage/file_contents.h"

#include <algorithm>
#include <cstring>

namespace ocu::storage {

namespace {

bool has_data(Chunk const& chunk) { return chunk.buffer != nullptr || chunk.place.number != 0; }

}  // namespace

Answer<void> FileContents::open_chunks(Node const& node, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into)
{
    auto const opened = store_.read(node.id, first, places, into);
    if (opened) return {};
    if (opened.error() == ETIMEDOUT) return refuse(EIO);  // it did not answer: nothing is known to be damaged
    if (damaged_) damaged_();
    return opened;
}

// Room for one more buffer, by giving up the one that was used least recently.
Answer<void> FileContents::make_space()
{
    if (!cache_.full()) return {};
    auto* victim = &cache_.oldest();
    if (victim->dirty) {
        auto const written = write_out(*victim->node);
        if (!written) {
            victim = cache_.oldest_clean();
            if (victim == nullptr) return written;
        }
    }
    cache_.remove(*victim);
    return {};
}

Answer<ChunkBuffer*> FileContents::buffer_of(Node& node, std::uint64_t index)
{
    auto& chunks = node.file->chunks;
    auto const found = chunks.find(index);
    if (found != chunks.end() && found->second.buffer != nullptr) {
        cache_.use(*found->second.buffer);
        return found->second.buffer;
    }
    if (auto const space = make_space(); !space) return refuse(space.error());
    auto& buffer = cache_.add(node, index);
    if (found == chunks.end() || found->second.place.number == 0) {
        buffer.bytes.fill({});
    } else if (auto const opened = open_chunks(node, index, std::span(&found->second.place, 1), buffer.bytes); !opened) {
        cache_.remove(buffer);
        return refuse(opened.error());
    }
    auto const [at, fresh] = chunks.try_emplace(index);
    if (fresh) ++chunks_;
    at->second.buffer = &buffer;
    return &buffer;
}

// How many chunks from `first` on lie in the store only, next to each other; their places are in run_ then.
std::size_t FileContents::whole_run(FileData const& file, std::uint64_t first, std::size_t chunks_max)
{
    run_.clear();
    for (auto at = file.chunks.find(first); at != file.chunks.end() && at->first == first + run_.size() && run_.size() < chunks_max; ++at) {
        if (at->second.buffer != nullptr || at->second.place.number == 0) break;
        run_.push_back(at->second.place);
    }
    return run_.size();
}

Answer<std::size_t> FileContents::read(Node& node, std::span<char> into, std::uint64_t offset)
{
    auto& file = *node.file;
    if (offset >= file.size) return 0;
    into = into.first(std::min<std::uint64_t>(into.size(), file.size - offset));
    std::size_t got = 0;
    while (got < into.size()) {
        auto const index = (offset + got) / kChunkBytes;
        auto const within = (offset + got) % kChunkBytes;
        auto const rest = into.subspan(got);
        auto const part = std::min<std::size_t>(kChunkBytes - within, rest.size());
        auto const chunk = file.chunks.find(index);
        if (chunk == file.chunks.end() || !has_data(chunk->second)) {
            std::memset(rest.data(), 0, part);
            got += part;
        } else if (auto const whole = within == 0 ? whole_run(file, index, std::min(rest.size() / kChunkBytes, kAppendChunksMax)) : 0;
            whole > 0) {
            auto const opened = open_chunks(node, index, run_, std::as_writable_bytes(rest.first(whole * kChunkBytes)));
            if (!opened) return refuse(opened.error());
            got += whole * kChunkBytes;
        } else {
            auto const buffer = buffer_of(node, index);
            if (!buffer) return refuse(buffer.error());
            std::memcpy(rest.data(), (*buffer)->bytes.data() + within, part);
            got += part;
        }
    }
    return got;
}

// The store keeps the bytes until the next batch is appended, which says what took their place.
void FileContents::drop(ChunkPlace const& place)
{
    if (place.number != 0 && !replaying_) store_.drop(place);
}

void FileContents::set_place(Node& node, std::uint64_t index, ChunkPlace const& place)
{
    auto const [at, fresh] = node.file->chunks.try_emplace(index);
    if (fresh) ++chunks_;
    drop(at->second.place);
    at->second.place = place;
}

void FileContents::note_places(Node& node, std::uint64_t first, std::span<ChunkPlace const> places)
{
    ChunksPlaced placed{node.id, first, {}};
    for (auto const& place : places) placed.places.push({place.number, place.segment, place.offset});
    journal_.note(node, placed);
}

Answer<void> FileContents::append_run(Node& node, std::uint64_t first, std::span<std::byte const> bytes)
{
    auto const places = store_.append(node.id, first, bytes);
    if (!places) return refuse(places.error());
    appended_ += bytes.size();
    for (std::size_t i = 0; i < places->size(); ++i) set_place(node, first + i, (*places)[i]);
    note_places(node, first, *places);
    return {};
}

Answer<void> FileContents::write_whole(Node& node, std::uint64_t first, std::span<char const> bytes)
{
    if (auto const appended = append_run(node, first, std::as_bytes(bytes)); !appended) return appended;
    // What was cached of them is older.
    auto& chunks = node.file->chunks;
    for (auto at = chunks.find(first); at != chunks.end() && at->first < first + bytes.size() / kChunkBytes; ++at)
        if (at->second.buffer != nullptr) cache_.remove(*at->second.buffer);
    return {};
}

Answer<void> FileContents::write_part(Node& node, std::uint64_t offset, std::span<char const> bytes)
{
    auto const buffer = buffer_of(node, offset / kChunkBytes);
    if (!buffer) return refuse(buffer.error());
    std::memcpy((*buffer)->bytes.data() + offset % kChunkBytes, bytes.data(), bytes.size());
    cache_.set_dirty(**buffer);
    return {};
}

Answer<std::size_t> FileContents::write(Node& node, std::span<char const> bytes, std::uint64_t offset)
{
    auto& file = *node.file;
    if (offset > file_bytes_max_ || bytes.size() > file_bytes_max_ - offset) return refuse(EFBIG);
    if (bytes.empty()) return 0;
    auto const before = cost(file, file.size);
    if (auto const paid = afford(file, offset, offset + bytes.size(), std::max(file.size, offset + bytes.size())); !paid)
        return refuse(paid.error());
    std::size_t put = 0;
    int fault = 0;
    while (put < bytes.size() && fault == 0) {
        auto const at = offset + put;
        auto const rest = bytes.subspan(put);
        bool const whole = at % kChunkBytes == 0 && rest.size() >= kChunkBytes;
        auto const part = whole ? std::min(rest.size() / kChunkBytes, kAppendChunksMax) * kChunkBytes
                                : std::min<std::size_t>(kChunkBytes - at % kChunkBytes, rest.size());
        auto const done = whole ? write_whole(node, at / kChunkBytes, rest.first(part)) : write_part(node, at, rest.first(part));
        if (!done) {
            fault = done.error();
            break;
        }
        put += part;
        file.size = std::max(file.size, at + part);  // at once: an eviction by the next part appends no more than the size says
    }
    quota_.resized(before, cost(file, file.size));
    if (put == 0) return refuse(fault);
    return put;
}

Answer<void> FileContents::write_out(Node& node)
{
    auto& file = *node.file;
    while (!file.dirty.empty()) {
        auto const first = file.dirty.begin()->first;
        std::vector<ChunkBuffer*> run;
        for (auto at = file.dirty.begin(); at != file.dirty.end() && at->first == first + run.size() && run.size() < kAppendChunksMax; ++at)
            run.push_back(at->second);
        auto const end = std::min((first + run.size()) * kChunkBytes, file.size);
        std::span<std::byte const> bytes(run[0]->bytes);
        if (run.size() > 1) {
            gathered_.resize(run.size() * kChunkBytes);
            for (std::size_t i = 0; i < run.size(); ++i) std::memcpy(gathered_.data() + i * kChunkBytes, run[i]->bytes.data(), kChunkBytes);
            bytes = gathered_;
        }
        if (auto const appended = append_run(node, first, bytes.first(end - first * kChunkBytes)); !appended) return appended;
        for (auto* const buffer : run) cache_.set_clean(*buffer);
    }
    return {};
}

Answer<void> FileContents::write_out_all()
{
    if (cache_.dirty() == 0) return {};
    std::vector<Node*> nodes;
    for (auto const& buffer : cache_.all())
        if (buffer.dirty && buffer.node->links != 0 && std::ranges::find(nodes, buffer.node) == nodes.end()) nodes.push_back(buffer.node);
    for (auto* const node : nodes)
        if (auto const written = write_out(*node); !written) return written;
    return {};
}

bool FileContents::moved(Node& node, std::uint64_t index, ChunkPlace const& was, ChunkPlace const& now)
{
    if (!node.file) return false;
    auto const chunk = node.file->chunks.find(index);
    if (chunk == node.file->chunks.end() || was.number == 0) return false;
    auto const& is = chunk->second.place;
    if (is.number != was.number || is.segment != was.segment || is.offset != was.offset) return false;
    if (now.number == was.number) return true;  // it is only asked
    chunk->second.place = now;
    note_places(node, index, std::span(&now, 1));
    return true;
}

}  // namespace ocu::storage
