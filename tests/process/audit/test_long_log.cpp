// SPDX-License-Identifier: GPL-3.0-or-later
// Hidden: scripts/bench makes a long log by name, as the writer makes it, for the rows that read one (P14). OCU_LOG_DIRECTORY is an empty
// directory, OCU_LOG_RECORDS how many.

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"
#include "unit/audit/support.h"

namespace {

using namespace audit_support;

TEST_CASE("audit: a long log is made", "[.make][P14]")
{
    char const* const path = ::getenv("OCU_LOG_DIRECTORY");
    char const* const wanted = ::getenv("OCU_LOG_RECORDS");
    REQUIRE(path != nullptr);
    REQUIRE(wanted != nullptr);
    auto const records = std::strtoull(wanted, nullptr, 10);
    SystemDisk disk;
    SystemClock const clock;
    Signer const signer;
    auto log = Log::open(disk, UniqueFd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), {kOrigin, kSegmentBytes}, clock);
    REQUIRE(log.has_value());
    std::vector<Entry> batch;
    while (log->size() < records) {
        batch.clear();
        for (std::uint64_t i = 0; i < kBatchRecordsMax; ++i) batch.push_back(entry(log->size() + i, static_cast<proto::Source>(i % kSources)));
        REQUIRE(log->append(batch).has_value());
        if (log->untiled() + kBatchRecordsMax > kUntiledRecordsMax) sign(*log, signer);
    }
    sign(*log, signer);
}

}  // namespace
