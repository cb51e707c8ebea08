// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A plan with a key of its own, manifests signed by it, and the actions of the plan as short lines.

#include "appliance/init/boot_plan.h"

#include <format>

namespace ocu::boot_test {

using namespace ocu::init;

inline std::string in_short(Action const& action)
{
    struct {
        std::string operator()(Say const& a) const { return "say " + a.text; }
        std::string operator()(Ask const& a) const { return "ask " + a.title; }
        std::string operator()(Withdraw const&) const { return "withdraw"; }
        std::string operator()(KeepTrust const&) const { return "keep trust"; }
        std::string operator()(Fetch const& a) const
        {
            std::string out = std::format("fetch {} from {}:", a.number, a.from.device);
            for (auto const& each : a.files) out += std::format(" {} {} {}", each.key, each.name, each.sha256.substr(0, 4));
            return out;
        }
        std::string operator()(KeepFiles const& a) const
        {
            std::string out = "keep";
            for (auto const& each : a.hashes) out += " " + each.substr(0, 4);
            return out;
        }
        std::string operator()(Configure const& a) const { return std::format("configure {}", a.applied.serial); }
        std::string operator()(StartCore const& a) const { return std::format("start {} on {}", a.digest.substr(0, 8), a.address); }
        std::string operator()(StopCore const&) const { return "stop core"; }
        std::string operator()(SetTimer const& a) const { return std::format("timer {} {}", static_cast<int>(a.timer), a.after.count()); }
        std::string operator()(ClearTimer const& a) const { return std::format("clear {}", static_cast<int>(a.timer)); }
        std::string operator()(WriteReport const& a) const
        {
            return "report " + a.on.device + " " + a.refused_key + "|" + a.refused_reason;
        }
        std::string operator()(End const& a) const { return a.power == Power::off ? "end off" : "end restart"; }
    } words;
    return std::visit(words, action);
}

// One line each, without what is only said.
inline std::string done(Actions const& actions)
{
    std::string out;
    for (auto const& each : actions)
        if (!std::holds_alternative<Say>(each)) out += in_short(each) + "\n";
    return out;
}

struct BootPlanTest {
    BootPlanTest() : plan(clock, config(key.verify)) { (void)plan.begin(); }

    PlanConfig config(std::optional<manifest::VerifyKey> trusted)
    {
        return {
            .trusted = trusted, .built_in = true, .images = {"minimal", "standard"}, .remembered_serial = [this] { return remembered; }};
    }

    static Candidate signed_by(manifest::SigningKey const& who, std::string text, std::string device = "sdb1")
    {
        auto signature = manifest::sign(who, text, "test").value();
        return {std::move(device), proto::VolumeFormat::fat, std::move(text), std::move(signature), ""};
    }
    static std::string manifest_text(int serial, std::string const& more = "")
    {
        return std::format(R"({{"schema": "ocu-manifest/1", "serial": {}{}}})", serial, more);
    }
    Candidate good(int serial, std::string device = "sdb1") const { return signed_by(key, manifest_text(serial), std::move(device)); }
    static std::string start(Candidate const& candidate, std::string const& address)
    {
        return std::format("start {} on {}\n", crypto::to_hex(crypto::sha256(candidate.manifest)).substr(0, 8), address);
    }
    // A machine that serves `serial`.
    void serve(int serial)
    {
        (void)plan.candidate(good(serial));
        (void)plan.address_is("192.0.2.7");
        (void)plan.core_ready();
        REQUIRE(plan.phase() == proto::MachinePhase::serving);
    }
    // One that tries `serial` after a person said yes; its predecessor has stopped.
    void try_later(int serial)
    {
        (void)plan.candidate(good(serial, "sdc1"));
        (void)plan.answered(Answer::yes);
        (void)plan.core_ended(CoreEnd::asked);
    }

    ManualClock clock;
    manifest::SigningKey key = manifest::make_key().value();
    manifest::Admission<std::string> remembered{std::string()};
    BootPlan plan;
};

}  // namespace ocu::boot_test
