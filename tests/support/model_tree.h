// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A tree of files that is nothing but its chunks, on a sealed log: it keeps what it owes the log, and knows what every chunk must hold. A
// chunk's content follows from a seed, so that what was promised can be told in a few bytes.

#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "storage/sealed_log.h"

namespace ocu::storage {

struct ModelTree {
    using Key = std::pair<Inode, std::uint64_t>;
    struct Chunk {
        ChunkPlace place;
        std::uint64_t seed;
        std::uint32_t bytes;
        bool operator==(Chunk const& other) const
        {
            return place.number == other.place.number && seed == other.seed && bytes == other.bytes;
        }
    };
    // As it is written in a batch; 0 bytes: there is no such chunk.
    struct Change {
        std::uint64_t inode, index, number;
        std::uint32_t segment, offset;
        std::uint64_t seed;
        std::uint32_t bytes, zero;
    };
    static_assert(sizeof(Change) == 48);

    std::map<Key, Chunk> chunks;
    std::vector<Change> pending;
    SealedLog* log = nullptr;
    std::function<void()> on_flush;  // whenever changes were appended

    static std::vector<std::byte> content(std::uint64_t seed, std::size_t bytes)
    {
        std::mt19937_64 random(seed);
        std::vector<std::byte> out(bytes);
        for (std::size_t at = 0; at < bytes; at += 8) {
            auto const value = random();
            std::memcpy(out.data() + at, &value, std::min<std::size_t>(8, bytes - at));
        }
        return out;
    }
    static SealedLog::Apply apply_to(ModelTree& tree)
    {
        return [&tree](std::span<std::byte const> bytes) { return tree.apply(bytes); };
    }
    Answer<void> apply(std::span<std::byte const> bytes)
    {
        if (bytes.size() % sizeof(Change) != 0) return refuse(EINVAL);
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(Change)) {
            Change each{};
            std::memcpy(&each, bytes.data() + at, sizeof each);
            if (each.bytes == 0)
                chunks.erase({each.inode, each.index});
            else
                chunks[{each.inode, each.index}] = {{each.number, each.segment, each.offset}, each.seed, each.bytes};
        }
        return {};
    }
    static Change change_of(Key key, Chunk const& chunk)
    {
        return {key.first, key.second, chunk.place.number, chunk.place.segment, chunk.place.offset, chunk.seed, chunk.bytes, 0};
    }

    Answer<void> write(Inode inode, std::uint64_t index, std::uint64_t seed, std::uint32_t bytes)
    {
        auto const places = log->append(inode, index, content(seed, bytes));
        if (!places) return refuse(places.error());
        set({inode, index}, Chunk{places->front(), seed, bytes});
        return {};
    }
    void set(Key key, Chunk const& chunk)
    {
        auto const was = chunks.find(key);
        pending.push_back(change_of(key, chunk));
        if (was != chunks.end()) log->drop(was->second.place);
        chunks[key] = chunk;
    }
    void remove(Key key)
    {
        auto const was = chunks.find(key);
        if (was == chunks.end()) return;
        pending.push_back(change_of(key, {{}, 0, 0}));
        log->drop(was->second.place);
        chunks.erase(was);
    }
    // As close() does it.
    Answer<void> flush()
    {
        if (pending.empty()) return {};
        auto const done = log->append_changes(std::as_bytes(std::span(pending)));
        if (done) pending.clear();
        if (done && on_flush) on_flush();
        return done;
    }
    SealedLog::Housekeeping house()
    {
        return {[this](Inode inode, std::uint64_t index, ChunkPlace const& was, ChunkPlace const& now) {
                    auto const at = chunks.find({inode, index});
                    if (at == chunks.end() || at->second.place.number != was.number) return false;
                    if (was.number == now.number) return true;
                    at->second.place = now;
                    pending.push_back(change_of(at->first, at->second));
                    return true;
                },
            [this](auto const& each) -> Answer<void> {
                if (auto const flushed = flush(); !flushed) return flushed;
                std::vector<Change> batch;
                auto const hand_over = [&]() -> Answer<void> {
                    auto const full = std::exchange(batch, {});
                    return each(std::as_bytes(std::span(full)));
                };
                for (auto const& [key, chunk] : chunks) {
                    batch.push_back(change_of(key, chunk));
                    if (batch.size() < 1'000) continue;
                    if (auto const done = hand_over(); !done) return done;
                }
                return batch.empty() ? Answer<void>{} : hand_over();
            }};
    }
    // Until there is nothing left to do, or it fails.
    Answer<void> keep_house(int steps_max = 100'000)
    {
        for (int i = 0; i < steps_max; ++i) {
            auto const more = log->housekeeping_step();
            if (!more) return refuse(more.error());
            if (*more) continue;
            if (pending.empty()) return {};
            if (auto const flushed = flush(); !flushed) return flushed;
        }
        return refuse(ELOOP);
    }
    // Whether each chunk is what it must be; the first one that is not.
    std::optional<Key> first_wrong() const
    {
        std::vector<std::byte> into(kChunkBytes);
        for (auto const& [key, chunk] : chunks) {
            auto expected = content(chunk.seed, chunk.bytes);
            expected.resize(kChunkBytes);
            if (!log->read(key.first, key.second, std::span(&chunk.place, 1), into) || into != expected) return key;
        }
        return std::nullopt;
    }
};

inline Secret log_key(unsigned first = 0)
{
    auto key = Secret::make(32).value();
    for (std::size_t i = 0; i < 32; ++i) key.bytes()[i] = static_cast<std::byte>(first + i);
    return key;
}

}  // namespace ocu::storage
