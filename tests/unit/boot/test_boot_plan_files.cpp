// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/boot_plan_files. What a manifest ships is copied before the manifest is tried, and kept for as long as it is needed.

#include "boot_fixture.h"

namespace test_boot_plan_files {

using namespace ocu;
using namespace ocu::init;
using namespace ocu::boot_test;

struct FilesPlanTest : BootPlanTest {
    // One that ships these: "a", the content of 64 times that letter as a hash, under the name dir-a.
    Candidate shipping(int serial, std::string const& contents, std::string device = "sdb1") const
    {
        std::string entries;
        for (char const each : contents)
            entries += std::format(R"({}{{"name": "dir-{}", "sha256": "{}"}})", entries.empty() ? "" : ",", each, std::string(64, each));
        return signed_by(key, manifest_text(serial, R"(, "sandbox": {"mounts": [)" + entries + "]}"), std::move(device));
    }
    // A machine that serves one that shipped them.
    void serve_with(int serial, std::string const& contents)
    {
        auto const candidate = shipping(serial, contents);
        (void)plan.candidate(candidate);
        (void)plan.fetched(1, {});
        (void)plan.address_is("192.0.2.7");
        (void)plan.core_ready();
        REQUIRE(plan.phase() == proto::MachinePhase::serving);
    }
};

#define OCU_FILES_CASE(text, tags) TEST_CASE_METHOD(FilesPlanTest, "boot_plan: " text, "[boot]" tags)

OCU_FILES_CASE(
    "given a first manifest that ships files, when it comes, then nothing is changed before they are copied", "[AP-2][AP-4][T-34]")
{
    auto const candidate = shipping(1, "ab");
    CHECK(done(plan.candidate(candidate)) == "fetch 1 from sdb1: sandbox.mounts[0] dir-a aaaa sandbox.mounts[1] dir-b bbbb\n");
    CHECK(plan.note() == "manifest serial 1: copying its files from sdb1");
    CHECK(plan.phase() == proto::MachinePhase::applying);
    CHECK(done(plan.fetched(1, {})) == "clear 2\ntimer 0 60000\nconfigure 1\n");
    auto const started = plan.address_is("192.0.2.7");
    REQUIRE(std::holds_alternative<StartCore>(started.back()));
    auto const& shipped = std::get<StartCore>(started.back()).shipped;
    REQUIRE(shipped.size() == 2);
    CHECK(shipped[1].name == "dir-b");
    CHECK(shipped[1].sha256 == std::string(64, 'b'));
}

OCU_FILES_CASE(
    "given a stick without its file, when a first manifest wants it, then it is refused by its key and the machine waits", "[AP-2][T-34]")
{
    (void)plan.candidate(shipping(1, "a"));
    CHECK(done(plan.fetched(1, {"sandbox.mounts[0].name", "no such file"})) == "keep\nreport sdb1 sandbox.mounts[0].name|no such file\n");
    CHECK(plan.note() == "refused: sandbox.mounts[0].name: no such file");
    CHECK(plan.phase() == proto::MachinePhase::waiting_for_manifest);
    CHECK(done(plan.candidate(good(1))).ends_with("configure 1\n"));
}

OCU_FILES_CASE(
    "given a machine that serves, when a later manifest's file is another, then it is refused and what serves goes on", "[AP-2][T-34]")
{
    serve_with(1, "a");
    CHECK(done(plan.candidate(shipping(2, "ab", "sdc1"))) == "fetch 2 from sdc1: sandbox.mounts[1] dir-b bbbb\n");
    CHECK(plan.phase() == proto::MachinePhase::serving);
    CHECK(done(plan.fetched(2, {"sandbox.mounts[1].sha256", "another"})) == "keep aaaa\nreport sdc1 sandbox.mounts[1].sha256|another\n");
    CHECK(plan.phase() == proto::MachinePhase::serving);
    CHECK(plan.in_force()->serial == 1);
}

OCU_FILES_CASE("given a later manifest with the same content, when it comes, then the copy that is there is used", "[AP-2]")
{
    serve_with(1, "a");
    CHECK(done(plan.candidate(shipping(2, "a", "sdc1"))) == "ask Apply manifest serial 2?\n");
}

OCU_FILES_CASE("given two names for one content, when they are copied, then it is one file", "[AP-2]")
{
    auto const hash = std::string(64, 'a');
    auto const twice =
        R"(, "sandbox": {"mounts": [{"name": "x", "sha256": ")" + hash + R"("}, {"name": "y", "sha256": ")" + hash + R"("}]})";
    CHECK(done(plan.candidate(signed_by(key, manifest_text(1, twice)))) == "fetch 1 from sdb1: sandbox.mounts[0] x aaaa\n");
}

OCU_FILES_CASE("given a later manifest that serves, when its trial is over, then only its own files are kept", "[AP-2]")
{
    serve_with(1, "ab");
    (void)plan.candidate(shipping(2, "bc", "sdc1"));
    CHECK(done(plan.fetched(2, {})) == "ask Apply manifest serial 2?\n");
    CHECK_FALSE(done(plan.answered(Answer::yes)).contains("keep"));
    CHECK_FALSE(done(plan.core_ended(CoreEnd::asked)).contains("keep"));
    CHECK_FALSE(done(plan.address_is("192.0.2.7")).contains("keep"));
    CHECK(done(plan.core_ready()) == "clear 1\nreport sdc1 |\nkeep bbbb cccc\n");
}

OCU_FILES_CASE(
    "given a later manifest that fails its trial, when the old one is put back, then the old one's files are still there", "[AP-2]")
{
    serve_with(1, "a");
    (void)plan.candidate(shipping(2, "b", "sdc1"));
    (void)plan.fetched(2, {});
    CHECK_FALSE(done(plan.answered(Answer::yes)).contains("keep"));
    CHECK_FALSE(done(plan.core_ended(CoreEnd::asked)).contains("keep"));
    (void)plan.address_is("192.0.2.7");
    auto const actions = done(plan.core_ended(CoreEnd::failed, {"mcp.tls.key", "no"}));
    CHECK(actions.ends_with("configure 1\nkeep aaaa\n"));
    auto const again = plan.address_is("192.0.2.7");
    REQUIRE(std::holds_alternative<StartCore>(again.back()));
    CHECK(std::get<StartCore>(again.back()).shipped.size() == 1);
}

OCU_FILES_CASE("given a question about copied files, when the answer is no, then they are dropped", "[AP-2]")
{
    serve_with(1, "a");
    (void)plan.candidate(shipping(2, "b", "sdc1"));
    (void)plan.fetched(2, {});
    CHECK(done(plan.answered(Answer::no)) == "report sdc1 |it was not confirmed on the console\nkeep aaaa\n");
}

OCU_FILES_CASE("given a stick that is being copied from, when it is pulled out, then that is a refusal and its late answer changes nothing",
    "[AP-2][T-18][T-34]")
{
    serve_with(1, "a");
    (void)plan.candidate(shipping(2, "b", "sdc1"));
    CHECK(done(plan.stick_gone("sdd1")).empty());
    CHECK(done(plan.stick_gone("sdc1")).empty());
    CHECK(plan.note() == "refused: sandbox.mounts: sdc1 was pulled out while its files were copied");
    CHECK(done(plan.fetched(2, {})) == "keep aaaa\n");
    CHECK(plan.in_force()->serial == 1);
    CHECK(plan.phase() == proto::MachinePhase::serving);
}

OCU_FILES_CASE(
    "given a new fetch, when the answer to the one before comes late, then the new one's files are kept and it goes on", "[AP-2][T-18]")
{
    (void)plan.candidate(shipping(1, "a"));
    (void)plan.candidate(shipping(2, "b", "sdc1"));
    CHECK(done(plan.stick_gone("sdb1")) == "fetch 2 from sdc1: sandbox.mounts[0] dir-b bbbb\n");
    CHECK(done(plan.fetched(1, {"sandbox.mounts", "pulled out"})) == "keep bbbb\n");
    CHECK(done(plan.fetched(2, {})).ends_with("configure 2\n"));
}

OCU_FILES_CASE("given a stick that is being copied from, when another comes, then it waits its turn", "[T-18]")
{
    (void)plan.candidate(shipping(1, "a"));
    CHECK(done(plan.candidate(good(2, "sdc1"))).empty());
    CHECK(done(plan.fetched(1, {"sandbox.mounts", "late"})).ends_with("configure 2\n"));
}

OCU_FILES_CASE(
    "given files that are being copied, when the core ends and starts anew meanwhile, then the files are asked about when it serves",
    "[AP-2]")
{
    serve_with(1, "a");
    (void)plan.candidate(shipping(2, "b", "sdc1"));
    (void)plan.core_ended(CoreEnd::failed);
    (void)plan.due(Timer::restart);
    // The copy is not kept for one that waits its turn; it is made again.
    CHECK(done(plan.fetched(2, {})) == "keep aaaa\n");
    CHECK(done(plan.core_ready()) == "clear 1\nfetch 3 from sdc1: sandbox.mounts[0] dir-b bbbb\n");
    CHECK(done(plan.fetched(3, {})) == "ask Apply manifest serial 2?\n");
}

OCU_FILES_CASE("given files that are being copied, when the machine stops, then they are waited for no more", "[AP-5]")
{
    (void)plan.candidate(shipping(1, "a"));
    CHECK(done(plan.stop(Power::off)) == "end off\n");
    CHECK(done(plan.fetched(1, {})) == "keep\n");
}

#undef OCU_FILES_CASE

}  // namespace test_boot_plan_files
