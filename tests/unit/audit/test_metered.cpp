// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/metered. What sessions and callers used, from records as the writer makes them, and from bytes that only look like them.

#include "audit/event.h"
#include "audit/metered.h"
#include "unit/audit/support.h"
#include "wire/json.h"

namespace test_metered {

using namespace audit_support;
using namespace std::chrono_literals;

constexpr WallTime kNoon{std::chrono::milliseconds(1'790'000'000'000)};
constexpr char kSome[] =
    "part=hour cpu_us=1500000 memory_kib_s=100 mount_read=1 mount_written=2 egress_up=3 egress_down=4 calls=5 denied=6 unread=- chat=a";

ReadRecord record_of(std::string const& caller, std::uint64_t session, std::string const& detail = kSome, WallTime time = kNoon,
    proto::What what = proto::What::session_metered, proto::Source source = proto::Source::control, std::int64_t number = 0)
{
    static std::int64_t last_number = 0;
    proto::Event event;
    event.number = number != 0 ? number : ++last_number;
    event.what = what;
    event.actor = caller;
    event.session = SessionId{session};
    event.detail = detail;
    return read_record(to_record(event, {.source = source, .time = time, .link = {}, .appliance = "box"})).value();
}

struct MeteredTest {
    void add(ReadRecord const& record, MeteredRange const& range = {}) { REQUIRE(sums.add(record, range)); }
    wire::Json told() const { return wire::Json::parse(sums.json()).value(); }
    std::int64_t total(std::string_view name) const { return told().view()["total"][name].integer().value(); }
    Metered sums;
};

TEST_CASE_METHOD(MeteredTest, "metered: given records of sessions and callers, when they are added up, then each has the sum of its own",
    "[audit][AU-1][T-37]")
{
    add(record_of("alice", 1));
    add(record_of("alice", 1,
        "part=end cpu_us=500000 memory_kib_s=1 mount_read=0 mount_written=0 egress_up=0 egress_down=0 calls=0 denied=0 unread=egress chat=a"));
    add(record_of("alice", 2));
    add(record_of("bob", 3));
    add(record_of("", 4));
    auto const all = told();
    auto const sessions = all.view()["sessions"];
    REQUIRE(sessions.size() == 4);
    auto const first = sessions.at(1);  // nobody's comes before
    CHECK(first["caller"].string() == "alice");
    CHECK(first["session"].string() == "s-0000000000000001");
    CHECK(first["records"].integer() == 2);
    CHECK(first["records_with_something_unread"].integer() == 1);
    CHECK(first["ended"].boolean() == true);
    CHECK(first["cpu_us"].integer() == 2'000'000);
    CHECK(first["memory_kib_s"].integer() == 101);
    CHECK(sessions.at(2)["ended"].boolean() == false);
    auto const callers = all.view()["callers"];
    REQUIRE(callers.size() == 3);
    CHECK(callers.at(1)["caller"].string() == "alice");
    CHECK(callers.at(1)["calls"].integer() == 10);
    CHECK(callers.at(1)["denied"].integer() == 12);
    CHECK(callers.at(1)["egress_up"].integer() == 6);
    CHECK(callers.at(1)["egress_down"].integer() == 8);
    CHECK(callers.at(1)["mount_read"].integer() == 2);
    CHECK(callers.at(1)["mount_written"].integer() == 4);
    CHECK(total("cpu_us") == 6'500'000);
    CHECK(sums.table().contains("1 records lack a number"));
    CHECK(sums.table().contains("alice                all its sessions"));
}

TEST_CASE_METHOD(MeteredTest, "metered: given a time and a caller, when records are added up, then no record counts in two months", "[audit][AU-1]")
{
    MeteredRange const before{{}, {}, kNoon};
    MeteredRange const from{{}, kNoon, {}};
    add(record_of("alice", 1), before);
    CHECK(sums.records() == 0);
    add(record_of("alice", 1), from);
    CHECK(sums.records() == 1);
    add(record_of("alice", 1, kSome, kNoon - 1ms), before);
    add(record_of("alice", 1, kSome, kNoon - 1ms), from);
    CHECK(sums.records() == 2);
    add(record_of("bob", 2), {"alice", {}, {}});
    CHECK(sums.records() == 2);
}

TEST_CASE_METHOD(MeteredTest, "metered: given a record that was written twice, when it is added up, then it counts once", "[audit][T-10]")
{
    for (int i = 0; i < 2; ++i) add(record_of("alice", 1, kSome, kNoon, proto::What::session_metered, proto::Source::control, 901));
    add(record_of("alice", 2, kSome, kNoon, proto::What::session_metered, proto::Source::control, 901));
    CHECK(sums.records() == 2);
    CHECK(total("calls") == 10);
}

TEST_CASE_METHOD(MeteredTest, "metered: given records that others wrote or that lack a number, when they are added up, then they count nothing",
    "[audit][T-37]")
{
    add(record_of("alice", 1, kSome, kNoon, proto::What::tool_call_begin));  // a command with these words
    add(record_of("alice", 1, kSome, kNoon, proto::What::session_metered, proto::Source::gateway));
    for (auto const* const detail : {"", "part=end", "part=hour cpu_us=x memory_kib_s=1 mount_read=1 mount_written=2 egress_up=3 egress_down=4 calls=5 denied=6",
             "part=hour cpu_us=-1 memory_kib_s=1 mount_read=1 mount_written=2 egress_up=3 egress_down=4 calls=5 denied=6",
             "part=hour cpu_us=99999999999999999999 memory_kib_s=1 mount_read=1 mount_written=2 egress_up=3 egress_down=4 calls=5 denied=6",
             "part=hour xcpu_us=1 memory_kib_s=1 mount_read=1 mount_written=2 egress_up=3 egress_down=4 calls=5 denied=6"})
        add(record_of("alice", 1, detail));
    CHECK(sums.records() == 0);
}

TEST_CASE_METHOD(MeteredTest, "metered: given numbers beyond what can be and names that are none, when they are shown, then the most, and printable",
    "[audit][T-19]")
{
    constexpr char kMost[] =
        "part=end cpu_us=18446744073709551615 memory_kib_s=1 mount_read=0 mount_written=0 egress_up=0 egress_down=0 calls=18446744073709551615 denied=0 "
        "unread=- chat=";
    add(record_of("\x1b[2J", 1, kMost));
    add(record_of("\x1b[2J", 1, kMost));
    CHECK(sums.table().contains("18446744073709551615"));
    CHECK(std::ranges::all_of(sums.table(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

}  // namespace test_metered
