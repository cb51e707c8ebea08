// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A sink that is files in a folder of its own: `records`, to which lines are added, and up to `files` - 1 that are full, named by the number of their last
// record. A full one is not touched again but to be removed when there are too many. Helper only.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::audit {

class SinkFile {
public:
    static constexpr char kCurrent[] = "records";
    static constexpr char kFullPrefix[] = "records-";

    // `folder` outlives it.
    SinkFile(int folder, std::uint64_t bytes_max, std::uint32_t files_max) : folder_(folder), bytes_max_(bytes_max), files_max_(files_max) {}

    // Whole lines, on disk when it returns. `before`: the number of the last record that was delivered. After an error nothing of them counts, and a
    // part of a line that is there is cut by the next call. Errors: os.
    Result<void> add(std::string_view lines, std::uint64_t before);

private:
    Result<void> open();
    Result<void> begin_next(std::uint64_t before);
    Result<void> remove_oldest();

    int folder_;
    std::uint64_t bytes_max_;
    std::uint32_t files_max_;
    UniqueFd file_;
    std::uint64_t size_ = 0;
};

}  // namespace ocu::audit
