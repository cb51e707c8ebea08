// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/boot_plan.h"

#include <algorithm>
#include <format>

#include "appliance/manifest/explain.h"

namespace ocu::init {

namespace {

constexpr char kWaiting[] = "waiting for a stick labelled OCU-MANIFEST";
// Stands for the address that DHCP will bring, while a first manifest is judged.
constexpr char kAnyAddress[] = "0.0.0.0";
// The rest of a question is ours.
constexpr std::size_t kExplainedBytesMax = proto::kQuestionBytesMax - 1024;

std::string digest_of(Candidate const& candidate) { return crypto::to_hex(crypto::sha256(candidate.manifest)); }

// The address that the listeners of this manifest will have by default: as it says itself, or else the one that the machine has now.
std::string expected_address(manifest::Network const& network, std::string const& now)
{
    for (auto const& each : network.interfaces)
        if (each.role == manifest::Interface::Role::service && !each.addresses.empty()) return each.addresses.front().address;
    return now.empty() ? kAnyAddress : now;
}

}  // namespace

BootPlan::BootPlan(Clock const& clock, PlanConfig config) : clock_(clock), config_(std::move(config)) {}

void BootPlan::say(std::string text)
{
    note_ = text;
    add(Say{std::move(text)});
}

Actions BootPlan::begin()
{
    say(kWaiting);
    return done();
}

bool BootPlan::takes_candidates() const
{
    bool const settled = phase_ == Phase::waiting || phase_ == Phase::serving || phase_ == Phase::backing_off;
    // Who waits for an address in vain must be able to bring a better manifest.
    return !question_ && !fetching_ && (settled || (phase_ == Phase::address && address_is_late_));
}

Actions BootPlan::candidate(Candidate candidate)
{
    if (phase_ == Phase::ending) return done();
    look_at(std::move(candidate));
    return done();
}

void BootPlan::look_at(Candidate candidate)
{
    if (takes_candidates()) {
        judge(std::move(candidate));
        return settle();
    }
    std::erase_if(held_, [&](Candidate const& each) { return each.device == candidate.device; });
    if (held_.size() < kCandidatesHeldMax) held_.push_back(std::move(candidate));
}

// Those that came meanwhile, in their order.
void BootPlan::settle()
{
    while (takes_candidates() && !held_.empty()) {
        auto next = std::move(held_.front());
        held_.pop_front();
        judge(std::move(next));
    }
}

Actions BootPlan::stick_gone(std::string const& device)
{
    std::erase_if(held_, [&](Candidate const& each) { return each.device == device; });
    if (question_ && question_->candidate.device == device) {
        question_.reset();
        add(Withdraw{});
        say(device + " was pulled out before the question was answered: nothing changes");
        settle();
    }
    if (fetching_ && fetching_->from.device == device) {
        fetching_.reset();
        say(std::format("refused: sandbox.mounts: {} was pulled out while its files were copied", device));
        settle();
    }
    return done();
}

// Signature, content, then the serial: nothing is parsed before it is known who wrote it (T-15), its files are fetched when it holds, and a
// person is asked last.
void BootPlan::judge(Candidate candidate)
{
    if (!config_.trusted) {
        auto const key = key_for_enrolment(candidate);
        if (!key) return refuse(candidate, key.error(), Signed::no);
        add(Ask{"Trust this key?", enrolment_question(candidate, *key)});
        say("a key waits to be confirmed on this screen: " + key_id(*key));
        question_ = Question{std::move(candidate), *key, {}};
        return;
    }
    if (auto const good = check_signature(candidate, *config_.trusted); !good) return refuse(candidate, good.error(), Signed::no);
    if (target_ && target_->applied.digest == digest_of(candidate)) {
        say(std::format("manifest serial {} is already applied", target_->applied.serial));
        return add(WriteReport{std::move(candidate), "", ""});
    }
    auto applied = admit(candidate);
    if (!applied) return refuse(candidate, applied.error(), Signed::yes);
    Judged judged{std::move(candidate), std::move(*applied)};
    if (auto missing = missing_files(judged.applied); !missing.empty()) return fetch(std::move(judged), std::move(missing));
    // What was never served needs no person's leave to be replaced: a first boot has no keyboard (AP-4).
    if (target_ && !on_trial_) return ask_to_apply(std::move(judged));
    bring_up(std::move(judged));
}

manifest::Admission<manifest::Applied> BootPlan::admit(Candidate const& candidate) const
{
    auto applied = manifest::admit(candidate.manifest);
    if (!applied) return applied;
    applied = manifest::admit(candidate.manifest, {expected_address(applied->network, address_)});
    if (!applied) return applied;
    if (!config_.images.contains(applied->rootfs))
        return manifest::refuse("sandbox.rootfs", "this boot medium has no image " + manifest::printable(applied->rootfs));
    auto const remembered = config_.remembered_serial();
    if (!remembered) return std::unexpected(remembered.error());
    if (auto const rises = manifest::check_serial(*remembered, applied->serial, applied->digest); !rises)
        return std::unexpected(rises.error());
    return applied;
}

void BootPlan::refuse(Candidate const& candidate, manifest::Refusal const& why, Signed known)
{
    say(std::format("refused: {}: {}", why.key.empty() ? "manifest" : why.key, why.reason));
    // Nothing is written on a stick that anybody may have made (T-18).
    if (known == Signed::yes) add(WriteReport{candidate, why.key, why.reason});
}

void BootPlan::ask_to_apply(Judged judged)
{
    auto text = manifest::explain(judged.applied);
    if (text.size() > kExplainedBytesMax) text = text.substr(0, kExplainedBytesMax) + "\n... (`manifest explain` says the rest)\n";
    text += std::format("\nIt replaces serial {}. All sessions that run now would end. Apply it?", target_->applied.serial);
    add(Ask{std::format("Apply manifest serial {}?", judged.applied.serial), std::move(text)});
    say(std::format("manifest serial {} waits to be confirmed on this screen", judged.applied.serial));
    question_ = Question{judged.from, {}, std::move(judged)};
}

Actions BootPlan::answered(Answer answer)
{
    if (!question_ || phase_ == Phase::ending) return done();
    auto question = std::move(*question_);
    question_.reset();
    if (question.key) {
        if (answer == Answer::yes) {
            config_.trusted = question.key;
            add(KeepTrust{question.candidate.public_key});
            add(Say{"key " + key_id(*question.key) + " is trusted from now on"});
            look_at(std::move(question.candidate));
        } else {
            say("that key is not trusted; " + std::string(kWaiting));
        }
    } else if (answer == Answer::yes) {
        bring_up(std::move(*question.judged));
    } else {
        refuse(question.candidate, {"", "it was not confirmed on the console"}, Signed::yes);
    }
    settle();
    return done();
}

}  // namespace ocu::init
