// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "storage/sealed_log.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kWholeRecordBytes = kRecordBytesLeast + kRecordPrefixBytes + kChunkBytes;
constexpr std::size_t kRunMax = 64;

// How many of `places` lie behind each other, as whole chunks do that were appended together; or are nothing.
std::size_t run_of(std::span<ChunkPlace const> places)
{
    std::size_t count = 1;
    while (count < places.size() && count < kRunMax) {
        auto const& before = places[count - 1];
        auto const& next = places[count];
        bool const hole = before.number == 0 && next.number == 0;
        bool const behind = before.number != 0 && next.number != 0 && next.segment == before.segment &&
                            next.offset == std::uint64_t{before.offset} + kWholeRecordBytes;
        if (!hole && !behind) break;
        ++count;
    }
    return count;
}

}  // namespace

Answer<void> SealedLog::read(Inode inode, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into)
{
    while (!places.empty() && !into.empty()) {
        auto const count = run_of(places);
        auto const part = into.first(std::min(into.size(), count * kChunkBytes));
        if (places.front().number == 0) {
            std::ranges::fill(part, std::byte{});
        } else if (auto const read = read_run(inode, first, places.first(count), part); !read) {
            return read;
        }
        first += count;
        places = places.subspan(count);
        into = into.subspan(part.size());
    }
    return {};
}

// What the tree says is what must be there: the record of that number, and in it that chunk of that inode.
Answer<void> SealedLog::read_run(Inode inode, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into)
{
    auto const at = segments_.find(places.front().segment);
    if (at == segments_.end()) return refuse(EIO);
    in_.resize(std::max(in_.size(), places.size() * kWholeRecordBytes));
    auto const got = store_->read(at->first, places.front().offset, std::span(in_).first(places.size() * kWholeRecordBytes));
    if (!got) return refuse(got.error() == ETIMEDOUT ? ETIMEDOUT : EIO);
    for (std::size_t i = 0; i < places.size() && !into.empty(); ++i) {
        auto const rest = std::span(in_).first(*got).subspan(std::min(*got, i * kWholeRecordBytes));
        if (rest.size() < kRecordHeadBytes) return refuse(EIO);
        auto const head = decode_record_head(rest.first<kRecordHeadBytes>());
        if (!head || head->kind != RecordKind::chunk || head->number != places[i].number || head->record_bytes() > rest.size())
            return refuse(EIO);
        auto const record = rest.first(head->record_bytes());
        if (!open_record(at->second.key, *head, {places[i].segment, places[i].offset}, record)) return refuse(EIO);
        auto const text = text_of(*head, record);
        if (text.a != inode || text.b != first + i) return refuse(EIO);
        auto const part = into.first(std::min(into.size(), kChunkBytes));
        auto const there = text.body.first(std::min(text.body.size(), part.size()));
        std::ranges::copy(there, part.begin());
        std::ranges::fill(part.subspan(there.size()), std::byte{});
        into = into.subspan(part.size());
    }
    return {};
}

}  // namespace ocu::storage
