// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/audit/counting. What of an event is counted.

#include <catch2/catch_test_macros.hpp>

#include "audit/counting.h"

namespace test_counting {

using namespace ocu;
using proto::Counted;
using proto::Reason;
using proto::What;

struct Counting {
    proto::Tally tally;

    void add(What what, Reason reason = Reason::none, std::int64_t number = 0, std::int64_t duration_ms = 0)
    {
        proto::Event event;
        event.what = what;
        event.reason = reason;
        event.number = number;
        event.duration_ms = duration_ms;
        audit::count(tally, event, std::chrono::microseconds(1'000));
    }
    std::uint64_t counted(Counted what) const { return tally.counted[static_cast<std::size_t>(what)]; }
    std::uint64_t refused(Reason reason) const { return tally.refused[static_cast<std::size_t>(reason)]; }
};

TEST_CASE_METHOD(Counting, "counting: given events, when they are counted, then by what they are, and each took its time to the disk", "[audit][AP-9]")
{
    add(What::tool_call_begin);
    add(What::tool_call_end, Reason::none, 0, 60);
    add(What::egress_opened);
    add(What::egress_closed, Reason::none, 0, 7'200'000);
    add(What::file_download);
    add(What::file_archive);
    CHECK(counted(Counted::records) == 6);
    CHECK(counted(Counted::calls) == 1);
    CHECK(counted(Counted::egress_connections) == 1);
    CHECK(counted(Counted::files_given) == 2);
    CHECK(tally.calls.counts[3] == 1);
    CHECK(tally.calls.sum_us == 60'000);
    CHECK(tally.egress.counts.back() == 1);
    CHECK(tally.commits.counts[1] == 6);
}

TEST_CASE_METHOD(Counting, "counting: given refusals, when they are counted, then by reason, as many as a record stands for; what is no refusal is none", "[audit][AP-9]")
{
    add(What::tool_call_refused, Reason::rate_exceeded, 40);
    add(What::tool_call_refused, Reason::policy_denied, 1);
    add(What::egress_denied, Reason::not_allowed, 443);
    add(What::session_destroy, Reason::session_killed);
    add(What::caller_refused, Reason::unauthorized, -1);
    CHECK(refused(Reason::rate_exceeded) == 40);
    CHECK(refused(Reason::policy_denied) == 1);
    CHECK(refused(Reason::not_allowed) == 1);
    CHECK(refused(Reason::session_killed) == 0);
    CHECK(refused(Reason::unauthorized) == 1);
}

}  // namespace test_counting
