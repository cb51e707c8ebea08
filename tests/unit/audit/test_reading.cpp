// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/reading. Which records are wanted, how one looks, what a session's add up to.

#include "audit/event.h"
#include "audit/reading.h"
#include "unit/audit/support.h"

namespace test_reading {

using namespace audit_support;
using proto::What;

constexpr WallTime kNoon{std::chrono::milliseconds(1'790'000'000'123)};  // 2026-09-21 14:13:20.123

std::string record_of(
    What what, std::uint64_t session = 0xabcd, std::string const& detail = "echo hello", proto::Reason reason = proto::Reason::none)
{
    auto event = entry(0).event;
    event.what = what;
    event.session = SessionId{session};
    event.detail = detail;
    event.reason = reason;
    if (reason != proto::Reason::none) event.outcome = proto::Outcome::failure;
    return to_record(event, {.source = proto::Source::edge, .time = kNoon, .link = {}, .appliance = "box"});
}

ReadRecord read_of(What what, std::uint64_t session = 0xabcd) { return read_record(record_of(what, session)).value(); }

TEST_CASE("reading: given a record as the writer makes it, when it is read, then its envelope is there", "[audit][AU-1]")
{
    auto const read = read_record(record_of(What::egress_denied, 0xabcd, "rule none", proto::Reason::not_allowed)).value();
    CHECK(read.time == kNoon);
    CHECK(read.class_uid == 4001);
    CHECK(read.source == "edge");
    CHECK(read.action == "egress_denied");
    CHECK(read.session == "000000000000abcd");
    CHECK(read.actor == "dev");
    CHECK(read.resource == "example.org:443");
    CHECK(read.reason == "not_allowed");
    CHECK(read.trace == "trace-0");
    CHECK_FALSE(read.success);
    CHECK(line_of(read_record(record_of(What::tool_call_end)).value()).contains(" ok "));
    CHECK(line_of(read) ==
          "2026-09-21 14:13:20.123  edge     egress_denied        not_allowed    s-000000000000abcd dev  example.org:443  rule none "
          "number=443");
}

TEST_CASE("reading: given bytes that are no record, when they are read, then they are none", "[audit]")
{
    for (auto const* const text : {"", "{}", "[1]", R"({"time": 1, "class_uid": 2})", R"({"time": "1", "class_uid": 2, "unmapped": {}})",
             R"({"time": 1, "class_uid": -2, "unmapped": {}})", R"({"time": -1, "class_uid": 2, "unmapped": {}})",
             R"({"time": 253402300800000, "class_uid": 2, "unmapped": {}})", R"({"time": 1, "class_uid": 2, "unmapped": []})",
             "{\"time\""}) {
        INFO(text);
        CHECK_FALSE(read_record(text));
    }
    CHECK(read_record(R"({"time": 1, "class_uid": 2, "unmapped": {}})"));
    CHECK_FALSE(read_record(record_of(What::tool_call_end) + std::string(kRecordBytesMax, ' ')));
}

TEST_CASE(
    "reading: given texts that would do something to a terminal, when a line is made, then they only say what they are", "[audit][T-19]")
{
    auto const line = line_of(read_record(record_of(What::tool_call_end, 1, "\x1b]0;owned\x07\nsecond line \xe2\x80\xae")).value());
    CHECK(line.contains(R"(\x1b]0;owned\x07\x0asecond line \u{202e})"));
    CHECK(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }));
    Replay sum;
    sum.add(read_record(record_of(What::operator_action, 1, "\x1b[2J")).value());
    CHECK(sum.summary().contains(R"(\x1b[2J)"));
}

TEST_CASE("reading: given what is asked for, when records are held against it, then each condition counts", "[audit]")
{
    auto const read = read_record(record_of(What::egress_denied, 0xabcd, "d", proto::Reason::not_allowed)).value();
    CHECK(matches({}, read));
    auto const each = [&read](auto set, bool expected) {
        Wanted wanted;
        set(wanted);
        CHECK(matches(wanted, read) == expected);
    };
    each([](Wanted& w) { w.session = "000000000000abcd"; }, true);
    each([](Wanted& w) { w.session = "000000000000abce"; }, false);
    each([](Wanted& w) { w.actor = "dev"; }, true);
    each([](Wanted& w) { w.actor = "de"; }, false);
    each([](Wanted& w) { w.action = "egress_denied"; }, true);
    each([](Wanted& w) { w.action = "dns_denied"; }, false);
    each([](Wanted& w) { w.source = "edge"; }, true);
    each([](Wanted& w) { w.source = "core"; }, false);
    each([](Wanted& w) { w.class_uid = 4001; }, true);
    each([](Wanted& w) { w.class_uid = 4002; }, false);
    each([](Wanted& w) { w.success = false; }, true);
    each([](Wanted& w) { w.success = true; }, false);
    each([](Wanted& w) { w.since = kNoon; }, true);
    each([](Wanted& w) { w.since = kNoon + std::chrono::milliseconds(1); }, false);
    each([](Wanted& w) { w.until = kNoon; }, true);
    each([](Wanted& w) { w.until = kNoon - std::chrono::milliseconds(1); }, false);
}

TEST_CASE("reading: given an operator's action on a session, when that session is asked for, then it is one of its records", "[audit]")
{
    auto event = entry(0).event;
    event.what = What::operator_action;
    event.session = {};
    event.resource = "s-000000000000abcd";
    auto const read =
        read_record(to_record(event, {.source = proto::Source::control, .time = kNoon, .link = {}, .appliance = "box"})).value();
    Wanted wanted;
    wanted.session = "000000000000abcd";
    CHECK(matches(wanted, read));
    wanted.session = "000000000000abce";
    CHECK_FALSE(matches(wanted, read));
}

TEST_CASE("reading: given times and sessions as people type them, when they are read, then nonsense is none", "[audit]")
{
    using namespace std::chrono_literals;
    CHECK(read_time("2026-09-21T14:13:20Z", kNoon) == WallTime(1'790'000'000s));
    CHECK(read_time("90s", kNoon) == kNoon - 90s);
    CHECK(read_time("15m", kNoon) == kNoon - 15min);
    CHECK(read_time("2h", kNoon) == kNoon - 2h);
    CHECK(read_time("7d", kNoon) == kNoon - 168h);
    for (auto const* const text : {"", "m", "15", "15w", "-1m", "15m ", "1.5h", "99999999999m", "yesterday"}) {
        INFO(text);
        CHECK_FALSE(read_time(text, kNoon));
    }
    CHECK(read_session("s-000000000000abcd") == "000000000000abcd");
    CHECK(read_session("000000000000abcd") == "000000000000abcd");
    for (auto const* const text : {"", "s-", "s-abcd", "000000000000ABCD", "s-s-0000000000abcd", "0000000000000000", "000000000000abcd0"}) {
        INFO(text);
        CHECK_FALSE(read_session(text));
    }
}

TEST_CASE(
    "reading: given a session's records, when they are summed up, then it says how often, how much failed, and who ended it", "[audit]")
{
    Replay sum;
    sum.add(read_of(What::session_create));
    sum.add(read_of(What::tool_call_end));
    sum.add(read_of(What::tool_call_end));
    sum.add(read_record(record_of(What::egress_denied, 0xabcd, "", proto::Reason::not_allowed)).value());
    CHECK(sum.summary().contains("its end is not on record"));
    sum.add(read_record(record_of(What::operator_action, 0xabcd, "kill")).value());
    sum.add(read_record(record_of(What::session_destroy, 0xabcd, "", proto::Reason::session_killed)).value());
    auto const text = sum.summary();
    CHECK(text.starts_with("6 records, 2026-09-21 14:13:20.123 to 2026-09-21 14:13:20.123; caller dev\n"));
    CHECK(text.contains("tool_call_end        2\n"));
    CHECK(text.contains("egress_denied        1, 1 of them refused or failed\n"));
    CHECK(text.contains("  last operator's action on it: 2026-09-21 14:13:20.123 kill by dev\n"));
    CHECK(text.contains("  ended: 2026-09-21 14:13:20.123 session_destroy, session_killed\n"));
}

}  // namespace test_reading
