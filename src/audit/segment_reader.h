// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The records of one segment in order, by a descriptor that reads it, while it may be written. Each is held against its hash; none is given out that is
// not said to be on disk. A few hundred KiB in memory, whatever the segment's size.

#include <optional>
#include <string>

#include "audit/journal.h"
#include "base/unique_fd.h"

namespace ocu::audit {

class SegmentReader {
public:
    // Errors: malformed (no segment), os.
    static Result<SegmentReader> open(UniqueFd file, std::uint64_t number);

    std::uint64_t number() const { return number_; }
    std::uint64_t index() const { return index_; }  // of the record that next() gives: how many there are before it in the log
    // Nothing: the rest is in the next segment, or there are only `size` records. The frame is valid until the next call.
    // Errors: malformed (a record that is on disk does not check), os.
    Result<std::optional<Frame>> next(std::uint64_t size);

private:
    SegmentReader(UniqueFd file, std::uint64_t number, std::uint64_t index) : file_(std::move(file)), number_(number), index_(index) {}
    Result<void> fill();

    UniqueFd file_;
    std::uint64_t number_;
    std::uint64_t index_;
    std::uint64_t offset_ = kSegmentHeaderBytes;  // in the file, where bytes_ begins
    std::string bytes_;
    std::size_t at_ = 0;  // in bytes_
    bool whole_ = false;  // bytes_ goes to the end of the file
};

}  // namespace ocu::audit
