// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: custody/lease_table.

#include <catch2/catch_test_macros.hpp>

#include "custody/lease_table.h"

namespace test_lease_table {

using namespace ocu;
using namespace ocu::custody;
using namespace std::chrono_literals;

struct LeaseTableTest {
    bool add(LeaseNumber number, std::uint64_t session = 1, std::chrono::seconds life = 900s)
    {
        return table.add({number, SessionId{session}, "rule", "key", "host", clock.now() + life}, clock.now());
    }
    Lease const* find(LeaseNumber number) const { return table.find(number, clock.now()); }

    ManualClock clock;
    LeaseTable table;
};

TEST_CASE_METHOD(LeaseTableTest, "lease table: given a lease, when its time is over, then it is not there, whatever the wall clock says",
    "[custody][CU-2]")
{
    REQUIRE(add(7));
    clock.advance(900s - 1ms);
    REQUIRE(find(7) != nullptr);
    CHECK(find(7)->credential == "key");
    clock.set_wall(WallTime{});
    clock.advance(1ms);
    CHECK(find(7) == nullptr);
    CHECK(table.list(clock.now()).empty());
    CHECK(table.revoke(SessionId{1}, clock.now()).empty());
}

TEST_CASE_METHOD(
    LeaseTableTest, "lease table: given a session, when it is revoked, then its own are gone and no other's", "[custody][CU-2][T-13]")
{
    REQUIRE(add(1, 5));
    REQUIRE(add(2, 5));
    REQUIRE(add(3, 6));
    CHECK(table.revoke(SessionId{5}, clock.now()).size() == 2);
    CHECK(find(1) == nullptr);
    CHECK(find(2) == nullptr);
    CHECK(find(3) != nullptr);
    CHECK(table.revoke(SessionId{5}, clock.now()).empty());
}

TEST_CASE_METHOD(LeaseTableTest, "lease table: given it or a session is full, when one is added, then refused until some have ended",
    "[custody][CU-2][T-06]")
{
    LeaseNumber number = 0;
    for (std::uint64_t session = 1; number < kLeasesMax; ++session) {
        for (std::size_t i = 0; i < kLeasesPerSessionMax; ++i) REQUIRE(add(++number, session));
        CHECK_FALSE(add(number + 1, session));
    }
    CHECK_FALSE(add(number + 1, 999));
    CHECK(table.size() == kLeasesMax);
    clock.advance(900s);
    CHECK(add(number + 1, 999));
    CHECK(table.size() == 1);
    CHECK_FALSE(add(number + 1, 998));  // a number is taken once
}

TEST_CASE_METHOD(LeaseTableTest, "lease table: given leases, when listed, then by session and by end", "[custody]")
{
    REQUIRE(add(1, 6));
    REQUIRE(add(2, 5, 20s));
    REQUIRE(add(3, 5, 10s));
    auto const list = table.list(clock.now());
    REQUIRE(list.size() == 3);
    CHECK(list[0]->number == 3);
    CHECK(list[1]->number == 2);
    CHECK(list[2]->number == 1);
    table.remove(1);
    CHECK(find(1) == nullptr);
    table.clear();
    CHECK(table.size() == 0);
}

}  // namespace test_lease_table
