// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/time_policy. Whom the clock follows, by how much, when they are asked again, and what a person is told.

#include "appliance/init/time_policy.h"

namespace test_time_policy {

using namespace ocu;
using namespace ocu::init;
using namespace std::chrono_literals;
using Kind = TimeCorrection::Kind;
using std::chrono::nanoseconds;

constexpr std::int64_t kBuild = 1'780'000'000;
constexpr std::int64_t kTruth = 1'790'000'000;  // Unix time when the monotonic clock shows 1000 s

struct TimePolicyTest {
    void apply(std::size_t servers, std::int64_t not_before = 0)
    {
        manifest::Network wanted;
        for (std::size_t i = 0; i < servers; ++i) wanted.time.push_back({"ntp" + std::to_string(i + 1) + ".example", "192.0.2.1", 4460, ""});
        wanted.not_before = not_before;
        policy.apply(wanted, now);
    }
    // A server whose clock is `off` the truth; the wall clock stands at `wall` and 1000 s have passed since the machine started.
    TimeCorrection hear(std::size_t server, nanoseconds off = 0ns, nanoseconds wall = std::chrono::seconds(kTruth))
    {
        return policy.answered(server, {std::chrono::seconds(kTruth - 1000) + off, 1ms, 2, 4}, now, {wall, 1000s});
    }
    bool says(std::string_view text) const { return policy.trouble(now).find(text) != std::string::npos; }

    Monotonic now{std::chrono::hours(1)};
    std::uint64_t draw = 0;
    TimePolicy policy{kBuild, [this] { return draw; }};
};

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given a hardware clock below the build, when it is checked, then it is set to the build",
    "[boot][T-21]")
{
    auto const correction = policy.check(86400s);
    CHECK(correction.kind == Kind::step);
    CHECK(86400s + correction.by == std::chrono::seconds(kBuild));
    CHECK(says("The hardware clock said 1970-01-02"));
    CHECK(policy.check(std::chrono::seconds(kBuild)).kind == Kind::none);
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given a hardware clock decades ahead, when it is checked, then it is set to the build",
    "[boot][T-21]")
{
    CHECK(policy.check(std::chrono::seconds(kBuild + 9ll * 365 * 86400)).kind == Kind::none);
    auto const wall = std::chrono::seconds(kBuild + 30ll * 365 * 86400);
    auto const correction = policy.check(wall);
    CHECK(wall + correction.by == std::chrono::seconds(kBuild));
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given a manifest's not_before, when a clock is below it, then it is set to that", "[boot][T-21]")
{
    CHECK(policy.check(std::chrono::seconds(kBuild + 10)).kind == Kind::none);
    apply(0, kBuild + 5000);
    auto const correction = policy.check(std::chrono::seconds(kBuild + 10));
    CHECK(correction.kind == Kind::step);
    CHECK(correction.by == 4990s);
    CHECK(says("nobody checks this machine's clock"));
    CHECK(policy.source(now) == "hardware clock, not checked");
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given a first answer, when it comes, then the clock steps to it either way", "[boot]")
{
    apply(1);
    (void)policy.take_due(now);
    auto const correction = hear(0, 0ns, std::chrono::seconds(kTruth + 86400));
    CHECK(correction.kind == Kind::step);
    CHECK(correction.by == -86400s);
    CHECK(policy.source(now) == "authenticated (ntp1.example)");
    CHECK(policy.trouble(now).empty());
    apply(1);
    CHECK(hear(0, 0ns, std::chrono::seconds(kTruth) - 1ms).by == 1ms);
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given later answers, when they are near, then they slew, and else step with a warning",
    "[boot]")
{
    apply(1);
    (void)hear(0);
    auto const near = hear(0, 500ms);
    CHECK(near.kind == Kind::slew);
    CHECK(near.by == 500ms);
    CHECK(policy.trouble(now).empty());
    auto const far = hear(0, -501ms);
    CHECK(far.kind == Kind::step);
    CHECK(far.by == -501ms);
    CHECK(says("The clock was 1 s wrong and was set by ntp1.example"));
    CHECK(hear(0).kind == Kind::slew);
    CHECK(policy.trouble(now).empty());
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given a time that cannot be, when it is told, then the clock stays and a person hears of it",
    "[boot][T-21]")
{
    apply(1, kBuild + 100);
    nanoseconds const below = std::chrono::seconds(kBuild + 99 - kTruth);
    nanoseconds const above = std::chrono::seconds(kBuild + 11ll * 365 * 86400 - kTruth);
    for (auto const off : {below, above}) {
        CHECK(hear(0, off).kind == Kind::none);
        CHECK(says("tells a time that cannot be"));
        CHECK(policy.source(now) == "hardware clock, not checked");
    }
    for (auto const extreme : {nanoseconds::min(), nanoseconds::max()}) {
        auto const correction = policy.answered(0, {extreme, 1ms, 2, 4}, now, {std::chrono::seconds(kTruth), 1000s});
        CHECK(correction.kind == Kind::none);
    }
    CHECK(hear(0, std::chrono::seconds(kBuild + 100 - kTruth)).kind == Kind::step);
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given three servers, when one answers, then a second must agree within a second",
    "[boot][T-21]")
{
    apply(3);
    CHECK(hear(0, 10s).kind == Kind::none);
    CHECK(says("two must agree"));
    CHECK(hear(1).kind == Kind::none);
    CHECK(says("contradict each other; the clock is left alone"));
    auto const seconded = hear(2, 1s);
    CHECK(seconded.kind == Kind::step);
    CHECK(seconded.by == 1s);
    CHECK(says("ntp1.example tells another time than the others"));
    CHECK(hear(0, 10s).kind == Kind::none);
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given three servers, when the second's word is old, then it seconds nobody", "[boot][T-21]")
{
    apply(3);
    CHECK(hear(0).kind == Kind::none);
    now += 91min;
    CHECK(hear(1).kind == Kind::none);
    now += 1min;
    CHECK(hear(2).kind == Kind::step);
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given two servers that differ, when both answer, then the first named is followed",
    "[boot][T-21]")
{
    apply(2);
    CHECK(hear(1, 5s).kind == Kind::step);  // nobody else has answered yet
    CHECK(hear(0, 0ns, std::chrono::seconds(kTruth + 5)).kind == Kind::step);
    CHECK(hear(1, 5s).kind == Kind::none);
    CHECK(says("contradict each other; ntp1.example is followed"));
    now += 2h;
    CHECK(hear(1, 100ms).kind == Kind::slew);  // the first has been silent for too long
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given a server that fails, when it fails again, then the wait doubles up to an hour", "[boot]")
{
    apply(1);
    CHECK(policy.take_due(now) == std::vector<std::size_t>{0});
    CHECK(policy.take_due(now).empty());
    CHECK_FALSE(policy.next_due().has_value());
    auto expected = 16s;
    for (int i = 0; i < 10; ++i) {
        draw = static_cast<std::uint64_t>(std::chrono::milliseconds(expected).count() / 4 / 2);  // the middle: no jitter
        policy.failed(0, proto::TimeFailure::silent, now);
        CHECK(*policy.next_due() - now == expected);
        CHECK(policy.take_due(*policy.next_due() - 1ms).empty());
        expected = std::min<std::chrono::seconds>(expected * 2, 3600s);
    }
    draw = 0;
    (void)hear(0);
    CHECK(*policy.next_due() - now == 3600s - 450s);
    draw = 900'000;
    (void)hear(0);
    CHECK(*policy.next_due() - now == 3600s + 450s);
    draw = 2'000;
    policy.failed(0, proto::TimeFailure::silent, now);
    CHECK(*policy.next_due() - now == 16s);  // a good answer has begun the row anew
}

TEST_CASE_METHOD(TimePolicyTest, "time_policy: given failures, when they last, then a person reads why in plain words", "[boot]")
{
    apply(1);
    policy.failed(0, proto::TimeFailure::silent, now);
    CHECK(policy.trouble(now).empty());  // the network may still be coming up
    policy.failed(0, proto::TimeFailure::silent, now);
    CHECK(says("Time server ntp1.example does not answer."));
    for (int why = 0; why <= static_cast<int>(proto::TimeFailure::kLast); ++why) {
        policy.failed(0, static_cast<proto::TimeFailure>(why), now);
        CHECK(policy.trouble(now).size() > 40);
    }
    apply(1);
    policy.failed(0, proto::TimeFailure::untrusted, now);
    CHECK(says("certificate that the manifest's authority did not sign"));
    (void)hear(0);
    CHECK(policy.trouble(now).empty());
    now += 30h;
    CHECK(policy.source(now) == "authenticated (ntp1.example, 30 hours ago)");
}

}  // namespace test_time_policy
