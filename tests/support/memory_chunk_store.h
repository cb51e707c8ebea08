// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A ChunkStore in memory, for tests of the tree alone: keeps what it is given, says what it was asked, and fails when told to.

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "storage/chunk_store.h"

namespace ocu::test {

class MemoryChunkStore final : public storage::ChunkStore {
public:
    storage::Answer<std::vector<storage::ChunkPlace>> append(
        storage::Inode inode, std::uint64_t first, std::span<std::byte const> plain) override
    {
        if (fault) return storage::refuse(*fault);
        ++appends;
        std::vector<storage::ChunkPlace> places;
        for (std::size_t at = 0; at < plain.size(); at += storage::kChunkBytes) {
            auto const part = plain.subspan(at, std::min(storage::kChunkBytes, plain.size() - at));
            auto const number = ++last;
            chunks[number] = {inode, first + at / storage::kChunkBytes, {part.begin(), part.end()}};
            places.push_back({number, 1, static_cast<std::uint32_t>(number)});
        }
        return places;
    }
    storage::Answer<void> read(
        storage::Inode inode, std::uint64_t first, std::span<storage::ChunkPlace const> places, std::span<std::byte> into) override
    {
        ++reads;
        if (read_fault) return storage::refuse(*read_fault);
        std::ranges::fill(into, std::byte{});
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i].number == 0) continue;
            auto const chunk = chunks.find(places[i].number);
            if (chunk == chunks.end() || chunk->second.inode != inode || chunk->second.index != first + i || damaged) return storage::refuse(EIO);
            std::memcpy(into.data() + i * storage::kChunkBytes, chunk->second.bytes.data(),
                std::min(chunk->second.bytes.size(), into.size() - i * storage::kChunkBytes));
        }
        return {};
    }
    void drop(storage::ChunkPlace const& place) override
    {
        if (!chunks.contains(place.number) || !leaving.insert(place.number).second) ++wrong_drops;
    }
    storage::Answer<void> append_changes(std::span<std::byte const> changes) override
    {
        if (fault) return storage::refuse(*fault);
        if (changes.size() > storage::kChangesBytesMax) return storage::refuse(E2BIG);
        batches.emplace_back(changes.begin(), changes.end());
        for (auto const number : leaving) chunks.erase(number);
        leaving.clear();
        return {};
    }
    storage::Answer<void> settle() override
    {
        if (settle_fault) return storage::refuse(*settle_fault);
        settled = batches.size();
        return {};
    }
    storage::Answer<void> sync() override
    {
        ++syncs;
        if (fault) return storage::refuse(*fault);
        return {};
    }
    void keep_house(Housekeeping given) override { house = std::move(given); }
    storage::Answer<bool> housekeeping_step() override
    {
        if (move_number != 0) {
            auto const chunk = chunks.at(move_number);
            storage::ChunkPlace const was{move_number, 1, static_cast<std::uint32_t>(move_number)};
            storage::ChunkPlace const now{++last, 2, static_cast<std::uint32_t>(last)};
            chunks[now.number] = chunk;
            moved = house.moved(chunk.inode, chunk.index, was, now);
            if (moved) leaving.insert(move_number);
            move_number = 0;
        }
        return false;
    }

    struct Kept {
        storage::Inode inode;
        std::uint64_t index;
        std::vector<std::byte> bytes;
    };
    std::map<std::uint64_t, Kept> chunks;
    std::set<std::uint64_t> leaving;
    std::vector<std::vector<std::byte>> batches;
    Housekeeping house;
    std::uint64_t last = 0;
    std::uint64_t move_number = 0;
    bool moved = false;
    int appends = 0;
    int reads = 0;
    int syncs = 0;
    int wrong_drops = 0;
    bool damaged = false;
    std::optional<int> fault;
    std::optional<int> read_fault{};
    std::optional<int> settle_fault{};
    std::size_t settled = 0;  // batches, as of the last settle()
};

}  // namespace ocu::test
