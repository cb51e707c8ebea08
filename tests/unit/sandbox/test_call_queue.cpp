// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/call_queue. Checks that every call that is let in leaves exactly once, and that waiting is bounded.

#include "sandbox/call_queue.h"

#include <catch2/catch_test_macros.hpp>

#include "sandbox/limits.h"

namespace test_call_queue {

using namespace ocu;
using namespace ocu::sandbox;

struct CallQueueTest {
    bool wait(std::uint64_t number) { return queue.wait({CallId{number}, SessionId{1}, {}}); }
    CallQueue queue;
};

}  // namespace test_call_queue

TEST_CASE_METHOD(
    test_call_queue::CallQueueTest, "call_queue: given calls that wait, when the session is up, then they run in order", "[sandbox][GW-6]")
{
    using namespace test_call_queue;
    REQUIRE(wait(7));
    REQUIRE(wait(3));
    auto const calls = queue.release();
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].call == CallId{7});
    CHECK(calls[1].call == CallId{3});
    CHECK(queue.running(CallId{7}));
    CHECK(queue.release().empty());
}

TEST_CASE_METHOD(test_call_queue::CallQueueTest, "call_queue: given as many calls as may wait, when another comes, then it is refused",
    "[sandbox][GW-8][T-06]")
{
    using namespace test_call_queue;
    for (std::uint64_t number = 1; number <= kCallsWaitingMax; ++number) REQUIRE(wait(number));
    CHECK_FALSE(wait(kCallsWaitingMax + 1));
}

TEST_CASE_METHOD(
    test_call_queue::CallQueueTest, "call_queue: given a call, when it is cancelled, then it is known where it was", "[sandbox][GW-6]")
{
    using namespace test_call_queue;
    REQUIRE(wait(1));
    queue.run(CallId{2});
    CHECK(queue.cancel(CallId{1}) == CallQueue::Cancelled::was_waiting);
    CHECK(queue.cancel(CallId{1}) == CallQueue::Cancelled::unknown);
    CHECK(queue.cancel(CallId{2}) == CallQueue::Cancelled::is_running);
    CHECK(queue.release().empty());
}

TEST_CASE_METHOD(
    test_call_queue::CallQueueTest, "call_queue: given an answer to no call, when it comes, then it is an invention", "[sandbox][T-14]")
{
    using namespace test_call_queue;
    queue.run(CallId{2});
    CHECK_FALSE(queue.answered(CallId{3}));
    CHECK(queue.answered(CallId{2}));
    CHECK_FALSE(queue.answered(CallId{2}));
}

TEST_CASE_METHOD(test_call_queue::CallQueueTest,
    "call_queue: given waiting and running calls, when the session ends, then all of them come out once", "[sandbox][T-13]")
{
    using namespace test_call_queue;
    REQUIRE(wait(1));
    queue.run(CallId{2});
    CHECK(queue.drain() == std::vector{CallId{2}, CallId{1}});
    CHECK(queue.drain().empty());
    CHECK_FALSE(queue.answered(CallId{2}));
}
