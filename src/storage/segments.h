// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where the sealed log lies: numbered segments, each written at its end only, read anywhere, and removed whole. What is in them is no matter
// of an engine's; nothing that it is given is a secret. One engine keeps them as files (local_segments.h); one that keeps them as
// objects elsewhere can stand in its place.
//
// Three promises, each stronger than the one before: append() (it can be read here), settle() (it survives this process), sync() (it survives a
// power cut). What was appended and not settled may be there or not, each piece for itself, when the segments are opened again.
//
// Threading: one thread, calls may block. Errors are errno values: ENOSPC and EDQUOT (full), ENOENT (no such segment), ETIMEDOUT (from list()
// and read(): the store does not answer, which says nothing of what it has), EIO (everything else, whatever the engine's own fault was).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/answer.h"

namespace ocu::storage {

using SegmentNumber = std::uint32_t;  // from 1
inline constexpr SegmentNumber kSegmentNumberMax = 99'999'999;

class Segments {
public:
    virtual ~Segments() = default;

    struct Found {
        SegmentNumber number;
        std::uint64_t bytes;
    };
    // All there are, rising.
    virtual Answer<std::vector<Found>> list() = 0;
    // A new one, empty. EIO if there is one of that number.
    virtual Answer<void> make(SegmentNumber segment) = 0;
    // Takes all of `bytes` at `offset`, which is the segment's end. On an error the segment ends at `offset` as before; if not even that
    // can be had, nothing more is written anywhere (EIO from then on).
    virtual Answer<void> append(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes) = 0;
    // Everything that append() took survives the death of this process. On an error nothing of it is given up: the next settle() may do it.
    virtual Answer<void> settle() = 0;
    // What of `into` the segment has from `offset` on: less than asked for at its end only.
    virtual Answer<std::size_t> read(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into) = 0;
    // Cuts it to `bytes`, which it has.
    virtual Answer<void> cut(SegmentNumber segment, std::uint64_t bytes) = 0;
    // Everything that append(), make() and cut() did survives a power cut. Once it has failed nothing is written any more (EIO): what the
    // kernel could not write it forgets, and a second call would say yes.
    virtual Answer<void> sync() = 0;
    // Gone, at a power cut perhaps back again.
    virtual Answer<void> remove(SegmentNumber segment) = 0;

    // A full store must still be told what may go: gives up what was kept back for that. False if nothing is kept back.
    virtual bool give_up_spare() = 0;
    // Keeps something back again if there is room and nothing is kept.
    virtual void keep_spare() = 0;
};

}  // namespace ocu::storage
