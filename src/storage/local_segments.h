// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Segments as files `NNNNNNNN.seg` of one directory, which nothing else writes to. Every name is made here from a number and opened
// beneath the directory, through no link (T-08). Beside them `spare`, a file of zeros that is given up when the disk is full.
// Threading and errors: segments.h.

#include <list>
#include <set>
#include <string>

#include "base/unique_fd.h"
#include "storage/segments.h"

namespace ocu::storage {

class LocalSegments final : public Segments {
public:
    // `directory`: open, the caller's own. Nothing is read or made yet.
    explicit LocalSegments(UniqueFd directory);

    Answer<std::vector<Found>> list() override;
    Answer<void> make(SegmentNumber segment) override;
    // Beyond ours at once: each append() is a write(2).
    Answer<void> settle() override { return {}; }
    Answer<void> append(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes) override;
    Answer<std::size_t> read(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into) override;
    Answer<void> cut(SegmentNumber segment, std::uint64_t bytes) override;
    Answer<void> sync() override;
    Answer<void> remove(SegmentNumber segment) override;
    bool give_up_spare() override;
    void keep_spare() override;

    static std::string name_of(SegmentNumber segment);

private:
    struct Open {
        SegmentNumber segment;
        UniqueFd file;
    };

    Answer<int> file_of(SegmentNumber segment);
    Answer<void> keep(SegmentNumber segment, UniqueFd file);
    Answer<void> sync_file(Open const& each);

    UniqueFd directory_;
    std::list<Open> open_;                 // the one used last first
    std::set<SegmentNumber> unsynced_;
    bool directory_unsynced_ = false;
    bool failed_ = false;                  // a sync, or the way back from a write, failed: never to be written again
    bool spare_ = false;
};

}  // namespace ocu::storage
