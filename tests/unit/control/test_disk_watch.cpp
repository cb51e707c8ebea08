// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/disk_watch, alone and in control's thread: a log's disk that fills is said once, long before it is full (AU-7).

#include "control/disk_watch.h"

#include "unit/control/control_fixture.h"

namespace test_disk_watch {

using namespace ocu;
using namespace ocu::control;
using proto::What;
using test_control::ControlTest;
using test_control::Pen;
using Turn = DiskWatch::Turn;

DiskRoom used(std::uint64_t percent) { return {percent << 20, (100 - percent) << 20, 0, 0}; }

TEST_CASE("disk_watch: given a disk that fills and empties, when it is looked at, then each crossing is said once", "[control][AU-7]")
{
    DiskWatch watch(80);
    CHECK(watch.look(used(79)) == Turn::none);
    CHECK_FALSE(watch.state().alarm);
    CHECK(watch.look(used(80)) == Turn::passed);
    CHECK(watch.state().alarm);
    CHECK(watch.state().used_percent == 80);
    CHECK(watch.state().free_bytes == 20u << 20);
    CHECK(watch.look(used(95)) == Turn::none);
    CHECK(watch.look(used(79)) == Turn::none);
    CHECK(watch.look(used(80)) == Turn::none);
    CHECK(watch.look(used(76)) == Turn::none);
    CHECK(watch.state().alarm);
    CHECK(watch.look(used(75)) == Turn::cleared);
    CHECK_FALSE(watch.state().alarm);
    CHECK(watch.look(used(80)) == Turn::passed);
}

TEST_CASE("disk_watch: given files that run out before bytes do, when it is looked at, then that counts", "[control][AU-7]")
{
    DiskWatch watch(80);
    CHECK(watch.look(DiskRoom{1, 99, 90, 10}) == Turn::passed);
    CHECK(watch.state().used_percent == 90);
}

TEST_CASE("disk_watch: given a system that does not say, when it is looked at, then an alarm goes on and none begins", "[control][AU-7]")
{
    DiskWatch watch(80);
    CHECK(watch.look(std::nullopt) == Turn::none);
    CHECK_FALSE(watch.state().known);
    CHECK(watch.look(DiskRoom{}) == Turn::none);
    CHECK(watch.look(used(99)) == Turn::passed);
    CHECK(watch.look(std::nullopt) == Turn::none);
    CHECK(watch.state().alarm);
}

struct FullTest : ControlTest {
    FullTest() : ControlTest(with_mark(), [] { return std::optional(used(61)); }) {}
    static Config with_mark()
    {
        Config config;
        config.audit_watermark_percent = 60;
        return config;
    }
};

TEST_CASE_METHOD(FullTest, "control: given a log's disk above its watermark, when the role begins, then it is on record and in the status",
    "[control][AU-7][AP-9]")
{
    loop.settle();
    REQUIRE(recorder.count(What::audit_disk_watermark) == 1);
    auto const& event = recorder.events.front();
    CHECK(event.outcome == proto::Outcome::failure);
    CHECK(event.number == 61);
    CHECK(event.bytes == 39u << 20);
    CHECK(event.detail.view() == "watermark=60");
    connect_front();
    auto const status = ask(proto::OperatorAction::status);
    CHECK(status.audit_disk.alarm);
    CHECK(status.audit_disk.used_percent == 61);
    CHECK(status.audit_disk.watermark_percent == 60);
}

TEST_CASE_METHOD(FullTest, "control: given audit that is not open yet, when it is, then the record of a disk above its watermark is there all the same",
    "[control][AU-7][T-10]")
{
    auto const refused = on_loop(What::audit_disk_watermark, [this] {
        control.reset();
        recorder.events.clear();
        recorder.pen = Pen::fails;
        listener = {};
        start(with_mark());
    });
    CHECK(refused == 1);
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (on_loop(What::audit_disk_watermark, [this] { recorder.pen = Pen::writes; }) < 2 && std::chrono::steady_clock::now() < until) loop.settle();
    CHECK(on_loop(What::audit_disk_watermark, [] {}) == 2);
}

}  // namespace test_disk_watch
