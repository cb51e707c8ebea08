// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The records of a journal in order, while it may be written: what is not there yet can be asked for again. Reads only; one segment in memory.

#include <optional>
#include <string>

#include "audit/disk.h"
#include "audit/journal.h"

namespace ocu::audit {

class JournalWalk {
public:
    // From the first record of `segment`. `disk` and `directory` outlive it.
    JournalWalk(Disk& disk, int directory, std::uint64_t segment = 0) : disk_(disk), directory_(directory), segment_(segment) {}

    // The next record; nothing: there is none yet. Errors: malformed (a record that does not check, with others after it), os.
    Result<std::optional<std::string>> next();
    std::uint64_t segment() const { return segment_; }

private:
    Result<std::optional<std::string>> next_here();
    Result<bool> load();

    Disk& disk_;
    int directory_;
    std::uint64_t segment_;
    std::size_t offset_ = kSegmentHeaderBytes;
    std::string bytes_;
};

}  // namespace ocu::audit
