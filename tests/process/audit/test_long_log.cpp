// SPDX-License-Identifier: GPL-3.0-or-later
// Hidden: whoever needs a log of a certain length or name calls it by name (scripts/bench for P14, tests/process/test_witness.py).
// OCU_LOG_DIRECTORY is empty or holds a log that is to go on, OCU_LOG_RECORDS says how many there shall be at least, OCU_LOG_ORIGIN whose it is.

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"
#include "unit/audit/support.h"

namespace {

using namespace audit_support;

TEST_CASE("audit: a long log is made", "[.make]")
{
    char const* const path = ::getenv("OCU_LOG_DIRECTORY");
    char const* const wanted = ::getenv("OCU_LOG_RECORDS");
    REQUIRE(path != nullptr);
    REQUIRE(wanted != nullptr);
    auto const records = std::strtoull(wanted, nullptr, 10);
    SystemDisk disk;
    SystemClock const clock;
    Signer const signer;
    char const* const origin = ::getenv("OCU_LOG_ORIGIN");
    auto log = Log::open(
        disk, UniqueFd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), {origin != nullptr ? origin : kOrigin, kSegmentBytes}, clock);
    REQUIRE(log.has_value());
    std::vector<Entry> batch;
    while (log->size() < records) {
        batch.clear();
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(records - log->size(), kBatchRecordsMax); ++i)
            batch.push_back(entry(log->size() + i, static_cast<proto::Source>(i % kSources)));
        REQUIRE(log->append(batch).has_value());
        if (log->untiled() + kBatchRecordsMax > kUntiledRecordsMax) sign(*log, signer);
    }
    sign(*log, signer);
}

}  // namespace
