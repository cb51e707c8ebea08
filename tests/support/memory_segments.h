// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Segments in memory, which a test can look into, alter, let fail, and put through a power cut.

#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "storage/segments.h"

namespace ocu::storage {

// What lies on the disk, kept when the log that wrote it is gone.
struct MemoryDisk {
    using Contents = std::map<SegmentNumber, std::vector<std::byte>>;
    Contents segments;
    Contents synced;          // as a power cut cannot take it away
    std::uint64_t room = ~0ull;  // bytes that still fit
    std::uint64_t spare = 0;
    int sync_fault = 0;
    int remove_fault = 0;
    std::uint64_t writes_left = ~0ull;  // before the process is taken to be dead: nothing more happens
    bool append_torn = false;           // of the write at which it dies a half is there

    std::uint64_t bytes() const
    {
        std::uint64_t all = 0;
        for (auto const& [number, content] : segments) all += content.size();
        return all;
    }
    // What was not synced is there or not, each segment for itself, up to some byte; a new or removed one is there or not.
    void power_cut(std::mt19937_64& random)
    {
        auto const coin = [&random] { return random() % 2 == 0; };
        Contents left;
        std::set<SegmentNumber> numbers;
        for (auto const& [number, content] : segments) numbers.insert(number);
        for (auto const& [number, content] : synced) numbers.insert(number);
        for (auto const number : numbers) {
            auto const now = segments.find(number);
            auto const safe = synced.find(number);
            if (now == segments.end()) {
                if (coin()) left.insert(*safe);
                continue;
            }
            if (safe == synced.end() && coin()) continue;
            auto content = now->second;
            auto const least = safe == synced.end() ? std::size_t{0} : safe->second.size();
            if (content.size() > least && coin()) content.resize(least + random() % (content.size() - least + 1));
            if (content.size() > least && random() % 4 == 0) {  // sectors that never came
                constexpr std::size_t kSector = 512;
                auto const from = std::max(least, (least + random() % (content.size() - least)) / kSector * kSector);
                auto const to = std::min(content.size(), (from / kSector + 1 + random() % 3) * kSector);
                std::fill(content.begin() + static_cast<std::ptrdiff_t>(from),
                    content.begin() + static_cast<std::ptrdiff_t>(to), std::byte{});
            }
            left[number] = std::move(content);
        }
        segments = left;
        synced = std::move(left);
        writes_left = ~0ull;
    }
};

class MemorySegments final : public Segments {
public:
    explicit MemorySegments(MemoryDisk& disk) : disk_(disk) {}

    Answer<std::vector<Found>> list() override
    {
        std::vector<Found> found;
        for (auto const& [number, content] : disk_.segments) found.push_back({number, content.size()});
        return found;
    }
    Answer<void> make(SegmentNumber segment) override
    {
        if (!alive() || disk_.segments.contains(segment)) return refuse(EIO);
        disk_.segments[segment];
        return {};
    }
    Answer<void> append(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes) override
    {
        auto const at = disk_.segments.find(segment);
        if (at == disk_.segments.end()) return refuse(ENOENT);
        if (at->second.size() != offset || failed_) return refuse(EIO);
        if (!alive()) {
            if (std::exchange(disk_.append_torn, false))
                at->second.insert(at->second.end(), bytes.begin(), bytes.begin() + std::ssize(bytes) / 2);
            return refuse(EIO);
        }
        if (bytes.size() > disk_.room) return refuse(ENOSPC);
        if (disk_.room != ~0ull) disk_.room -= bytes.size();
        at->second.insert(at->second.end(), bytes.begin(), bytes.end());
        return {};
    }
    Answer<void> settle() override { return {}; }
    Answer<std::size_t> read(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into) override
    {
        auto const at = disk_.segments.find(segment);
        if (at == disk_.segments.end()) return refuse(ENOENT);
        if (offset >= at->second.size()) return std::size_t{0};
        auto const count = std::min<std::size_t>(into.size(), at->second.size() - offset);
        std::ranges::copy(std::span(at->second).subspan(offset, count), into.begin());
        return count;
    }
    Answer<void> cut(SegmentNumber segment, std::uint64_t bytes) override
    {
        if (!alive() || !disk_.segments.contains(segment)) return refuse(EIO);
        disk_.segments[segment].resize(bytes);
        return {};
    }
    Answer<void> sync() override
    {
        if (!alive()) return refuse(EIO);
        if (disk_.sync_fault != 0) {
            failed_ = true;
            return refuse(disk_.sync_fault);
        }
        disk_.synced = disk_.segments;
        return {};
    }
    Answer<void> remove(SegmentNumber segment) override
    {
        if (!alive() || disk_.remove_fault != 0) return refuse(EIO);
        auto const at = disk_.segments.find(segment);
        if (at == disk_.segments.end()) return refuse(ENOENT);
        if (disk_.room != ~0ull) disk_.room += at->second.size();
        disk_.segments.erase(at);
        return {};
    }
    bool give_up_spare() override
    {
        if (disk_.room != ~0ull) disk_.room += disk_.spare;
        return std::exchange(disk_.spare, 0) != 0;
    }
    void keep_spare() override {}

private:
    bool alive()
    {
        if (disk_.writes_left == 0) failed_ = true;
        if (disk_.writes_left != ~0ull && disk_.writes_left != 0) --disk_.writes_left;
        return !failed_;
    }

    MemoryDisk& disk_;
    bool failed_ = false;
};

}  // namespace ocu::storage
