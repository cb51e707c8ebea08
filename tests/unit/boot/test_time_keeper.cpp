// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/time_keeper. What is asked, what is set, and who is told, with a clock and servers that are not real.

#include "appliance/init/time_keeper.h"

#include "appliance/init/set_clock.h"
#include "appliance/init/time_asker.h"

namespace test_time_keeper {

using namespace ocu;
using namespace ocu::init;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::int64_t kBuild = 1'780'000'000;

struct FakeWall {
    nanoseconds wall = std::chrono::seconds(kBuild + 100);
    nanoseconds monotonic = 50s;
    std::vector<nanoseconds> steps;
    std::vector<nanoseconds> slews;
    int hardware_writes = 0;
    int marks = 0;
    bool sets = true;
    bool has_hardware = true;
};

class FakeSetClock final : public SetClock {
public:
    explicit FakeSetClock(FakeWall& fake) : fake_(fake) {}
    Reading read() const override { return {fake_.wall, fake_.monotonic}; }
    Result<void> step(nanoseconds by) override
    {
        if (!fake_.sets) return fail(Fault::os, "no");
        fake_.steps.push_back(by);
        fake_.wall += by;
        return {};
    }
    Result<void> slew(nanoseconds by) override
    {
        fake_.slews.push_back(by);
        return {};
    }
    Result<void> mark_checked() override
    {
        ++fake_.marks;
        return {};
    }
    Result<void> write_hardware_clock() override
    {
        if (!fake_.has_hardware) return fail(Fault::os, "no");
        ++fake_.hardware_writes;
        return {};
    }

private:
    FakeWall& fake_;
};

struct Question {
    std::string host;
    std::function<void(TimeAsker::Answer)> done;
    std::weak_ptr<void> alive;
};

class FakeAsker final : public TimeAsker {
public:
    explicit FakeAsker(std::vector<Question>& questions) : questions_(questions) {}
    wire::Watch ask(manifest::TimeServer const& server, std::function<void(Answer)> done) override
    {
        auto alive = std::make_shared<int>();
        questions_.push_back({server.host, std::move(done), alive});
        return wire::Watch(alive);
    }

private:
    std::vector<Question>& questions_;
};

struct TimeKeeperTest {
    manifest::Network network(std::size_t servers)
    {
        manifest::Network out;
        for (std::size_t i = 0; i < servers; ++i) out.time.push_back({"ntp" + std::to_string(i + 1), "192.0.2.1", 4460, ""});
        return out;
    }
    // From a server that is `ahead` of the wall clock.
    proto::TimeMeasured measured(nanoseconds ahead) const { return {fake.wall + ahead - fake.monotonic, 1ms, 2, 4}; }

    wire::Loop loop;
    ManualClock clock;
    FakeWall fake;
    std::vector<Question> questions;
    int changes = 0;
    TimeKeeper keeper{
        loop, clock, kBuild, [this] { ++changes; }, std::make_unique<FakeSetClock>(fake), std::make_unique<FakeAsker>(questions)};
};

TEST_CASE_METHOD(
    TimeKeeperTest, "time_keeper: given a hardware clock of 1970, when it is checked, then the clock stands at the build", "[boot][T-21]")
{
    fake.wall = 5s;
    keeper.check_hardware_clock();
    CHECK(fake.wall == std::chrono::seconds(kBuild));
    CHECK(fake.hardware_writes == 0);  // the floor is not the time
    CHECK(keeper.trouble().find("1970-01-01") != std::string::npos);
    CHECK(changes == 1);
}

TEST_CASE_METHOD(TimeKeeperTest, "time_keeper: given servers, when they are named, then each is asked at once", "[boot]")
{
    keeper.apply(network(2));
    REQUIRE(questions.size() == 2);
    CHECK(questions[0].host == "ntp1");
    CHECK(questions[1].host == "ntp2");
    CHECK(keeper.source() == "hardware clock, not checked");
}

TEST_CASE_METHOD(TimeKeeperTest, "time_keeper: given answers, when they are believed, then the clocks follow", "[boot]")
{
    keeper.apply(network(1));
    questions[0].done(measured(3h));
    CHECK(fake.steps == std::vector<nanoseconds>{3h});
    CHECK(fake.hardware_writes == 1);
    CHECK(fake.marks == 1);  // old records go by a clock that is checked
    CHECK(keeper.source() == "authenticated (ntp1)");
    CHECK(keeper.trouble().empty());
    CHECK(changes == 2);  // named, and heard
    CHECK(questions[0].alive.expired());
}

TEST_CASE_METHOD(
    TimeKeeperTest, "time_keeper: given answers measured before the clock was stepped, when they come, then it stays right", "[boot][T-21]")
{
    keeper.apply(network(3));
    auto const same = measured(3h);
    for (auto& each : std::vector<Question>(questions)) each.done(same);
    CHECK(fake.steps == std::vector<nanoseconds>{3h});
    CHECK(fake.slews == std::vector<nanoseconds>{0ns});
}

TEST_CASE_METHOD(TimeKeeperTest, "time_keeper: given new servers, when they are named, then the old ones are given up", "[boot]")
{
    keeper.apply(network(2));
    keeper.apply(network(1));
    REQUIRE(questions.size() == 3);
    CHECK(questions[0].alive.expired());
    CHECK(questions[1].alive.expired());
    CHECK_FALSE(questions[2].alive.expired());
}

TEST_CASE_METHOD(TimeKeeperTest, "time_keeper: given clocks that cannot be set, when an answer comes, then a person is told", "[boot]")
{
    keeper.apply(network(1));
    fake.has_hardware = false;
    questions[0].done(measured(1s));
    CHECK(keeper.trouble().find("hardware clock could not be set") != std::string::npos);
    keeper.apply(network(1));
    fake.sets = false;
    fake.has_hardware = true;
    questions[1].done(measured(1s));
    CHECK(keeper.trouble().find("The clock could not be set.") != std::string::npos);
    CHECK(fake.hardware_writes == 0);
}

TEST_CASE_METHOD(TimeKeeperTest, "time_keeper: given a failure, when it is heard, then the clocks stay", "[boot][T-21]")
{
    keeper.apply(network(1));
    questions[0].done(std::unexpected(proto::TimeFailure::altered));
    CHECK(fake.steps.empty());
    CHECK(fake.slews.empty());
    CHECK(fake.marks == 0);
    CHECK(fake.hardware_writes == 0);
    CHECK(keeper.trouble().find("altered on the way") != std::string::npos);
}

}  // namespace test_time_keeper
