// SPDX-License-Identifier: GPL-3.0-or-later
// What the storage lane's profiles leave it, tried by a process that put one on: sockets that connect and pairs, or nothing at all.
#include "appliance/profiles/storage_lane.h"
#include "support/dial_attempts.h"

using namespace ocu;
using namespace ocu::test_dial;

TEST_CASE("storage_lane: given its profile, when it tries what passing on does not need, then it is killed or refused",
    "[helper][T-31][T-14][AP-8]")
{
    check_forbidden(kForbidden, "storage-lane", profiles::kStorageLane);
}

TEST_CASE("storage_lane: given its profile, when it makes the sockets that it needs, then it can", "[helper][T-31][AP-8]")
{
    check_allowed(kAllowed, "storage-lane", profiles::kStorageLane);
    check_allowed(kPair, "storage-lane", profiles::kStorageLane);
}

TEST_CASE("storage_lane: given files that stay here, when it makes any socket at all, then it is killed", "[helper][T-31][T-14]")
{
    for (std::span<Attempt const> const attempts : {std::span<Attempt const>(kAllowed), std::span<Attempt const>(kPair)})
        for (auto const& attempt : attempts) {
            INFO(attempt.name);
            int const status = status_of(attempt.happened, "storage-lane", profiles::kIdleStorageLane);
            CHECK(WIFSIGNALED(status));
            CHECK(WTERMSIG(status) == SIGSYS);
        }
}
