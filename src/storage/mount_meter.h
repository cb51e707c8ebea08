// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How many bytes of files a session's mount has carried, in a page of memory that its broker and ocu:storage share: the broker counts, the thread
// reads, also after the broker has been killed in the middle of its work. The page is sealed in its size, so that nobody can take it away from under
// the reader. A broker that its guest has taken over can say what it likes of these two numbers, and of no other session's (T-37).

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::storage {

struct MountBytes {
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    bool operator==(MountBytes const&) const = default;
};

class MountMeter {
public:
    enum class Side : std::uint8_t { counts, reads };

    // A new page of zeros, and its descriptor. Errors: os.
    static Result<UniqueFd> make_page();
    // Before confinement, on the broker's side. Errors: os; malformed: it is no such page, or can be made smaller.
    static Result<MountMeter> map(int page, Side side);
    MountMeter() = default;
    ~MountMeter();
    MountMeter(MountMeter&& other) noexcept;
    MountMeter& operator=(MountMeter&& other) noexcept;

    // `counts` only.
    void read(std::uint64_t bytes) { add(0, bytes); }
    void written(std::uint64_t bytes) { add(1, bytes); }
    MountBytes bytes() const;

private:
    using Count = std::atomic<std::uint64_t>;
    static_assert(Count::is_always_lock_free, "a lock would be held by a process that was killed");
    explicit MountMeter(Count* counts) : counts_(counts) {}
    void add(std::size_t which, std::uint64_t bytes) { counts_[which].fetch_add(bytes, std::memory_order_relaxed); }

    Count* counts_ = nullptr;  // two: read, written
};

}  // namespace ocu::storage
