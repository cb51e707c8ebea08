// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/boot_plan. What the booted machine does about each thing that can happen: whose manifest it takes, when a
// person is asked, and that a manifest either serves or leaves what served before.

#include "boot_fixture.h"

namespace test_boot_plan {

using namespace ocu;
using namespace ocu::init;
using namespace ocu::boot_test;

#define OCU_CASE(text, tags) TEST_CASE_METHOD(BootPlanTest, "boot_plan: " text, "[boot]" tags)

OCU_CASE("given a fresh machine, when it begins, then it waits and says for what", "[AP-4]")
{
    CHECK(plan.phase() == proto::MachinePhase::waiting_for_manifest);
    CHECK(plan.note() == "waiting for a stick labelled OCU-MANIFEST");
    CHECK(plan.applied() == nullptr);
    CHECK(plan.in_force() == nullptr);
}

OCU_CASE("given a good manifest, when it is the first, then it is applied at once, without a question", "[AP-4]")
{
    auto const candidate = good(1);
    CHECK(done(plan.candidate(candidate)) == "clear 2\ntimer 0 60000\nconfigure 1\n");
    CHECK(plan.phase() == proto::MachinePhase::applying);
    CHECK(plan.in_force() == nullptr);
    CHECK(done(plan.address_is("")).empty());
    CHECK(done(plan.address_is("192.0.2.7")) == "clear 0\ntimer 1 60000\n" + start(candidate, "192.0.2.7"));
    auto const ready = plan.core_ready();
    CHECK(done(ready) == "clear 1\nreport sdb1 |\n");
    CHECK(plan.note() == "manifest serial 1 applied");
    CHECK(plan.phase() == proto::MachinePhase::serving);
    CHECK(plan.in_force()->serial == 1);
    CHECK(plan.manifest_in_force() == candidate.manifest);
}

OCU_CASE("given listeners that the manifest places on loopback, when it is applied, then no address is waited for", "[AP-4]")
{
    auto const local = signed_by(key, manifest_text(1, R"(, "mcp": {"listen": "127.0.0.1:1"}, "files": {"listen": "127.0.0.1:2"})"));
    (void)plan.candidate(local);
    CHECK(done(plan.address_is("")) == "clear 0\ntimer 1 60000\n" + start(local, ""));
}

OCU_CASE("given another's signature, when it comes, then it is refused and nothing is written on that stick", "[T-15][T-18]")
{
    auto const other = manifest::make_key().value();
    CHECK(done(plan.candidate(signed_by(other, manifest_text(1)))).empty());
    CHECK(plan.note().starts_with("refused: manifest: "));
    CHECK(plan.phase() == proto::MachinePhase::waiting_for_manifest);
}

OCU_CASE("given a changed byte, when it comes, then it is refused and nothing is written on that stick", "[T-15][T-18]")
{
    auto candidate = good(1);
    candidate.manifest.back() = ' ';
    CHECK(done(plan.candidate(candidate)).empty());
    CHECK(plan.note().starts_with("refused: "));
}

OCU_CASE("given no signature, when it comes, then it is refused", "[T-15][T-18]")
{
    auto candidate = good(1);
    candidate.signature.clear();
    CHECK(done(plan.candidate(candidate)).empty());
    CHECK(plan.note() == "refused: manifest: the manifest has no signature: manifest.json.minisig is missing");
}

OCU_CASE("given a built-in key, when a stick brings a key of its own, then that key is not looked at", "[T-15][T-18]")
{
    auto const other = manifest::make_key().value();
    auto candidate = signed_by(other, manifest_text(1));
    candidate.public_key = manifest::write_public_key(other.verify);
    CHECK(done(plan.candidate(candidate)).empty());
    CHECK(plan.note().starts_with("refused: "));
}

OCU_CASE("given a manifest that admission refuses, when it is signed well, then the stick gets the key and the reason", "[AP-2]")
{
    auto const actions = plan.candidate(signed_by(key, manifest_text(1, R"(, "extras": {})")));
    REQUIRE(done(actions).starts_with("report sdb1 extras|"));
    CHECK(plan.note().starts_with("refused: extras: "));
}

OCU_CASE("given an image that the medium lacks, when a manifest wants it, then it is refused before anything changes", "[AP-2]")
{
    auto const actions = plan.candidate(signed_by(key, manifest_text(1, R"(, "sandbox": {"rootfs": "full"})")));
    CHECK(done(actions) == "report sdb1 sandbox.rootfs|this boot medium has no image full\n");
}

OCU_CASE("given a remembered serial, when an older manifest comes, then it is refused", "[T-15]")
{
    remembered = "9 " + std::string(64, 'a') + "\n";
    CHECK(done(plan.candidate(good(8))) == "report sdb1 serial|must not fall: 9 was applied before\n");
}

OCU_CASE("given a remembered serial, when it comes with other content, then it is refused", "[T-15]")
{
    remembered = "9 " + std::string(64, 'a') + "\n";
    CHECK(done(plan.candidate(good(9))) == "report sdb1 serial|must rise: 9 was applied with other content\n");
}

OCU_CASE("given a memory of serials that cannot be read, when a manifest comes, then it is refused", "[T-15]")
{
    remembered = manifest::refuse("serial", "damaged");
    CHECK(done(plan.candidate(good(9))) == "report sdb1 serial|damaged\n");
}

OCU_CASE("given a first manifest whose core ends, when it ends, then it is refused and the machine waits again", "[AP-2]")
{
    (void)plan.candidate(good(1));
    (void)plan.address_is("192.0.2.7");
    CHECK(done(plan.core_ended(CoreEnd::failed, {"mcp.tls.key", "is sealed to another machine"})) ==
          "clear 1\nreport sdb1 mcp.tls.key|is sealed to another machine\n");
    CHECK(plan.phase() == proto::MachinePhase::waiting_for_manifest);
    CHECK(plan.note() == "refused: mcp.tls.key: is sealed to another machine");
    CHECK(plan.applied() == nullptr);
    CHECK(done(plan.candidate(good(1))) == "clear 2\ntimer 0 60000\nconfigure 1\n");
}

OCU_CASE("given a core that does not serve in time, when the time is over, then it is ended first and refused then", "[AP-2]")
{
    (void)plan.candidate(good(1));
    (void)plan.address_is("192.0.2.7");
    CHECK(done(plan.due(Timer::ready)) == "stop core\n");
    CHECK(done(plan.core_ready()).empty());  // too late
    CHECK(done(plan.core_ended(CoreEnd::asked)) == "report sdb1 |what it starts did not serve within 60 s\n");
    CHECK(plan.phase() == proto::MachinePhase::waiting_for_manifest);
}

OCU_CASE("given a network that cannot be made, when the first manifest wants it, then it is refused", "[AP-2]")
{
    (void)plan.candidate(good(1));
    CHECK(done(plan.cannot("no such card")) == "clear 0\nreport sdb1 |no such card\n");
    CHECK(plan.phase() == proto::MachinePhase::waiting_for_manifest);
}

OCU_CASE("given no address in time, when it is the first manifest, then it says so in plain words and goes on waiting", "[AP-4]")
{
    auto const candidate = good(1);
    (void)plan.candidate(candidate);
    CHECK(done(plan.due(Timer::address)).empty());
    CHECK(plan.note().find("is the cable in") != std::string::npos);
    CHECK(done(plan.address_is("192.0.2.7")).ends_with(start(candidate, "192.0.2.7")));
}

OCU_CASE("given no address in time, when a better first manifest comes, then it takes the place without a question", "[AP-4]")
{
    (void)plan.candidate(good(1));
    CHECK(done(plan.candidate(good(2, "sdc1"))).empty());
    CHECK(done(plan.due(Timer::address)) == "clear 2\ntimer 0 60000\nconfigure 2\n");
}

OCU_CASE("given a serving machine, when a later manifest comes, then a person is asked and nothing changes before", "[AP-2]")
{
    serve(1);
    CHECK(done(plan.candidate(good(2, "sdc1"))) == "ask Apply manifest serial 2?\n");
    CHECK(plan.phase() == proto::MachinePhase::serving);
    CHECK(plan.in_force()->serial == 1);
    CHECK(done(plan.answered(Answer::yes)) == "clear 2\nstop core\n");
    CHECK(done(plan.core_ended(CoreEnd::asked)) == "timer 0 60000\nconfigure 2\n");
    CHECK(plan.in_force()->serial == 1);
    (void)plan.address_is("192.0.2.7");
    CHECK(done(plan.core_ready()) == "clear 1\nreport sdc1 |\n");
    CHECK(plan.in_force()->serial == 2);
}

OCU_CASE("given a later manifest, when a person is asked, then the text says what it opens and what ends", "[AP-2]")
{
    serve(1);
    auto const actions = plan.candidate(good(2, "sdc1"));
    auto const* const ask = std::get_if<Ask>(&actions.front());
    REQUIRE(ask != nullptr);
    CHECK(ask->text.find("Opens https://192.0.2.7:8443/mcp") != std::string::npos);
    CHECK(ask->text.find("It replaces serial 1. All sessions that run now would end.") != std::string::npos);
}

OCU_CASE("given a later manifest, when a person says no, then it is refused and the old one goes on", "[AP-2]")
{
    serve(1);
    (void)plan.candidate(good(2, "sdc1"));
    CHECK(done(plan.answered(Answer::no)) == "report sdc1 |it was not confirmed on the console\n");
    CHECK(plan.in_force()->serial == 1);
    CHECK(done(plan.answered(Answer::yes)).empty());  // no question stands any more
}

OCU_CASE("given a later manifest that does not serve, when its core ends, then the old one is put back", "[AP-2]")
{
    serve(1);
    try_later(2);
    (void)plan.address_is("192.0.2.8");
    auto const actions = plan.core_ended(CoreEnd::failed, {"", "no"});
    CHECK(done(actions) == "clear 1\nreport sdc1 |no\ntimer 0 60000\nconfigure 1\n");
    CHECK(plan.note() == "refused: manifest: no");
    CHECK(plan.in_force()->serial == 1);
    CHECK(done(plan.address_is("192.0.2.7")).ends_with(start(good(1), "192.0.2.7")));
    CHECK(done(plan.core_ready()) == "clear 1\n");
    CHECK(plan.phase() == proto::MachinePhase::serving);
}

OCU_CASE("given a later manifest without an address, when the time is over, then the old one is put back", "[AP-2]")
{
    serve(1);
    try_later(2);
    (void)plan.address_is("");
    auto const actions = done(plan.due(Timer::address));
    CHECK(actions.starts_with("report sdc1 |the service interface has no address"));
    CHECK(actions.ends_with("timer 0 60000\nconfigure 1\n"));
}

OCU_CASE("given a later manifest whose network cannot be made, when it is tried, then the old one is put back", "[AP-2]")
{
    serve(1);
    try_later(2);
    CHECK(done(plan.cannot("no such card")) == "clear 0\nreport sdc1 |no such card\ntimer 0 60000\nconfigure 1\n");
}

OCU_CASE("given a later manifest that hangs, when the time is over, then it is ended and the old one is put back", "[AP-2]")
{
    serve(1);
    try_later(2);
    (void)plan.address_is("192.0.2.7");
    CHECK(done(plan.due(Timer::ready)) == "stop core\n");
    CHECK(done(plan.core_ended(CoreEnd::failed)).ends_with("configure 1\n"));
}

OCU_CASE("given the applied manifest, when its stick comes again, then it is answered without a restart", "[AP-2]")
{
    serve(1);
    CHECK(done(plan.candidate(good(1, "sdc1"))) == "report sdc1 |\n");
    CHECK(plan.note() == "manifest serial 1 is already applied");
    CHECK(plan.phase() == proto::MachinePhase::serving);
}

OCU_CASE("given two sticks at once, when the first is valid, then the second is judged as a later one", "[T-18]")
{
    (void)plan.candidate(good(1));
    CHECK(done(plan.candidate(good(2, "sdc1"))).empty());
    (void)plan.address_is("192.0.2.7");
    CHECK(done(plan.core_ready()) == "clear 1\nreport sdb1 |\nask Apply manifest serial 2?\n");
}

OCU_CASE("given two sticks at once, when the first is not valid, then the second is the first", "[T-18]")
{
    (void)plan.candidate(signed_by(manifest::make_key().value(), manifest_text(1)));
    CHECK(done(plan.candidate(good(2, "sdc1"))).ends_with("configure 2\n"));
}

OCU_CASE("given many sticks while one is tried, when they come, then a bounded number is held", "[T-18]")
{
    (void)plan.candidate(good(1));
    for (int i = 0; i < 20; ++i) (void)plan.candidate(good(2 + i, "sd" + std::to_string(i)));
    (void)plan.address_is("192.0.2.7");
    (void)plan.core_ready();
    std::size_t asked = 1;
    for (int i = 0; i < 20; ++i) asked += done(plan.answered(Answer::no)).find("ask ") != std::string::npos;
    CHECK(asked == kCandidatesHeldMax);
}

OCU_CASE("given a question, when its stick is pulled out, then the question goes and nothing changes", "[T-18]")
{
    serve(1);
    (void)plan.candidate(good(2, "sdc1"));
    CHECK(done(plan.stick_gone("sdd1")).empty());
    CHECK(done(plan.stick_gone("sdc1")) == "withdraw\n");
    CHECK(done(plan.answered(Answer::yes)).empty());
    CHECK(plan.in_force()->serial == 1);
}

OCU_CASE("given a question, when the core ends meanwhile and the answer is yes, then the new one is brought up", "[AP-2]")
{
    serve(1);
    (void)plan.candidate(good(2, "sdc1"));
    CHECK(done(plan.core_ended(CoreEnd::failed)) == "timer 2 1000\n");
    CHECK(done(plan.answered(Answer::yes)) == "clear 2\ntimer 0 60000\nconfigure 2\n");
    CHECK(done(plan.due(Timer::restart)).empty());
}

OCU_CASE("given a core that ends while it serves, when it does so again and again, then it waits longer each time", "[T-14]")
{
    serve(1);
    std::string waits;
    for (int i = 0; i < 8; ++i) {
        for (auto const& each : plan.core_ended(CoreEnd::failed))
            if (auto const* const timer = std::get_if<SetTimer>(&each)) waits += std::to_string(timer->after.count() / 1000) + " ";
        CHECK(plan.phase() == proto::MachinePhase::failed);
        CHECK(done(plan.due(Timer::restart)).find("start ") != std::string::npos);
    }
    CHECK(waits == "1 2 4 8 16 32 60 60 ");
}

OCU_CASE("given a core that served long, when it ends, then it starts again at once", "[T-14]")
{
    serve(1);
    for (int i = 0; i < 4; ++i) {
        (void)plan.core_ended(CoreEnd::failed);
        (void)plan.due(Timer::restart);
    }
    (void)plan.core_ready();
    clock.advance(kStableAfter);
    CHECK(done(plan.core_ended(CoreEnd::failed)) == "timer 2 1000\n");
}

OCU_CASE("given a core that was put back and does not serve, when the time is over, then it is started again", "[AP-2]")
{
    serve(1);
    (void)plan.core_ended(CoreEnd::failed);
    (void)plan.due(Timer::restart);
    CHECK(done(plan.due(Timer::ready)) == "stop core\n");
    CHECK(done(plan.core_ended(CoreEnd::failed)) == "clear 1\ntimer 2 2000\n");
}

OCU_CASE("given another service address, when the listeners follow it, then the core starts again on it", "[AP-4]")
{
    serve(1);
    CHECK(done(plan.address_is("")).empty());
    CHECK(done(plan.address_is("192.0.2.7")).empty());
    CHECK(done(plan.address_is("192.0.2.9")) == "stop core\n");
    CHECK(done(plan.core_ended(CoreEnd::asked)) == "timer 0 60000\nconfigure 1\n");
    CHECK(done(plan.address_is("192.0.2.9")).ends_with("on 192.0.2.9\n"));
    CHECK(done(plan.core_ready()) == "clear 1\n");
}

OCU_CASE("given a serving core, when it ends because it was told to, then the machine goes off", "[AP-5]")
{
    serve(1);
    CHECK(done(plan.core_ended(CoreEnd::asked)) == "end off\n");
    CHECK(plan.phase() == proto::MachinePhase::stopping);
}

OCU_CASE("given a serving core, when a stop is wanted, then the core ends first", "[AP-5]")
{
    serve(1);
    (void)plan.candidate(good(2, "sdc1"));
    CHECK(done(plan.stop(Power::restart)) == "withdraw\nstop core\n");
    CHECK(done(plan.stop(Power::off)).empty());  // one end is enough
    CHECK(done(plan.candidate(good(3))).empty());
    CHECK(done(plan.answered(Answer::yes)).empty());
    CHECK(done(plan.address_is("192.0.2.9")).empty());
    CHECK(done(plan.core_ended(CoreEnd::failed)) == "end restart\n");
}

OCU_CASE("given a machine that waits, when a stop is wanted, then it ends at once", "[AP-5]")
{
    CHECK(done(plan.stop(Power::off)) == "end off\n");
}

}  // namespace test_boot_plan
