// SPDX-License-Identifier: GPL-3.0-or-later

// The second half of the plan: from a manifest that was taken to a core that serves, and back.

#include <algorithm>
#include <format>

#include "appliance/init/boot_plan.h"

namespace ocu::init {

void BootPlan::bring_up(Judged judged)
{
    // What is itself on trial is nothing to go back to.
    if (!on_trial_) proven_ = std::move(target_);
    target_ = std::move(judged);
    on_trial_ = true;
    failures_ = 0;
    add(ClearTimer{Timer::restart});
    if (!core_runs_) return configure();
    phase_ = Phase::stopping;
    say(std::format("manifest serial {}: stopping what runs now", target_->applied.serial));
    add(StopCore{});
}

void BootPlan::configure()
{
    phase_ = Phase::address;
    address_is_late_ = false;
    address_.clear();
    // The timer goes first: a configuration that fails at once takes it away again.
    add(SetTimer{Timer::address, kAddressWait});
    add(Configure{target_->from, target_->applied});
    say(std::format("manifest serial {}: setting up the network", target_->applied.serial));
}

bool BootPlan::needs_address() const
{
    auto const& applied = target_->applied;
    auto const waits = [](manifest::Listen const& listen) { return listen.by_default || !listen.loopback; };
    return waits(applied.mcp) || waits(applied.files);
}

Actions BootPlan::address_is(std::string address)
{
    address_ = std::move(address);
    if (phase_ == Phase::address) {
        start_if_possible();
    } else if (phase_ == Phase::serving && !address_.empty() && address_ != started_on_ &&
               (target_->applied.mcp.by_default || target_->applied.files.by_default)) {
        phase_ = Phase::stopping;
        say("the service address is now " + address_ + ": starting again on it");
        add(StopCore{});
    }
    return done();
}

void BootPlan::start_if_possible()
{
    if (address_.empty() && needs_address()) return;
    add(ClearTimer{Timer::address});
    start_core();
}

void BootPlan::start_core()
{
    phase_ = Phase::starting;
    started_on_ = address_;
    core_runs_ = true;
    say(std::format("manifest serial {}: starting", target_->applied.serial));
    add(SetTimer{Timer::ready, kReadyWait});
    add(StartCore{target_->applied.digest, address_, target_->applied.rootfs, target_->applied.shipped});
}

Actions BootPlan::core_ready()
{
    if (phase_ != Phase::starting) return done();
    phase_ = Phase::serving;
    served_since_ = clock_.now();
    add(ClearTimer{Timer::ready});
    if (std::exchange(on_trial_, false)) {
        proven_.reset();
        say(std::format("manifest serial {} applied", target_->applied.serial));
        add(WriteReport{target_->from, "", ""});
    } else {
        say(std::format("manifest serial {} serves again", target_->applied.serial));
    }
    settle();
    return done();
}

Actions BootPlan::cannot(std::string why)
{
    if (phase_ == Phase::starting) {
        // The core never came to be; nothing of it will end.
        core_runs_ = false;
        add(ClearTimer{Timer::ready});
    } else if (phase_ != Phase::address) {
        return done();
    }
    add(ClearTimer{Timer::address});
    if (on_trial_) {
        trial_failed({"", why});
    } else {
        say(std::move(why));
        restart_later();
    }
    settle();
    return done();
}

Actions BootPlan::core_ended(CoreEnd how, manifest::Refusal why)
{
    core_runs_ = false;
    switch (phase_) {
    case Phase::ending: add(End{power_}); break;
    case Phase::stopping: configure(); break;
    case Phase::clearing: trial_failed({"", failure_}); break;
    case Phase::starting:
        add(ClearTimer{Timer::ready});
        if (why.reason.empty()) why.reason = "what it starts ended before it served";
        if (on_trial_)
            trial_failed(why);
        else
            restart_later();
        break;
    case Phase::serving:
        if (how == CoreEnd::asked) {
            phase_ = Phase::ending;
            say("stopping: an operator asked for it");
            add(End{Power::off});
            break;
        }
        if (clock_.now() - served_since_ >= kStableAfter) failures_ = 0;
        restart_later();
        break;
    case Phase::waiting:
    case Phase::address:
    case Phase::backing_off: break;
    }
    settle();
    return done();
}

// 1, 2, 4 ... 60 s.
void BootPlan::restart_later()
{
    phase_ = Phase::backing_off;
    auto const wait = std::min<std::chrono::seconds>(std::chrono::seconds(1u << std::min(failures_, 6u)), kRestartWaitMax);
    ++failures_;
    say(std::format("the core ended; starting it again in {} s", wait.count()));
    add(SetTimer{Timer::restart, wait});
}

void BootPlan::trial_failed(manifest::Refusal const& why)
{
    refuse(target_->from, why, Signed::yes);
    on_trial_ = false;
    target_ = std::exchange(proven_, std::nullopt);
    if (target_) return go_back();
    phase_ = Phase::waiting;
}

void BootPlan::go_back()
{
    add(Say{std::format("going back to manifest serial {}", target_->applied.serial)});
    auto const refusal = note_;
    configure();
    note_ = refusal;
}

Actions BootPlan::due(Timer timer)
{
    if (timer == Timer::address && phase_ == Phase::address) {
        std::string const why = "the service interface has no address after 60 s: is the cable in, and does the DHCP server answer?";
        if (on_trial_ && proven_) {
            trial_failed({"", why});
        } else {
            say(why + " Waiting for one.");
            address_is_late_ = true;
        }
    } else if (timer == Timer::ready && phase_ == Phase::starting) {
        failure_ = "what it starts did not serve within 60 s";
        if (on_trial_)
            phase_ = Phase::clearing;
        else
            say(failure_ + "; starting it again");
        add(StopCore{});
    } else if (timer == Timer::restart && phase_ == Phase::backing_off) {
        phase_ = Phase::address;
        address_is_late_ = false;
        start_if_possible();
        if (phase_ == Phase::address) add(SetTimer{Timer::address, kAddressWait});
    }
    settle();
    return done();
}

Actions BootPlan::stop(Power power)
{
    if (phase_ == Phase::ending) return done();
    if (question_) add(Withdraw{});
    question_.reset();
    fetching_.reset();
    held_.clear();
    phase_ = Phase::ending;
    power_ = power;
    say("stopping");
    if (core_runs_)
        add(StopCore{});
    else
        add(End{power});
    return done();
}

proto::MachinePhase BootPlan::phase() const
{
    switch (phase_) {
    case Phase::waiting: return fetching_ ? proto::MachinePhase::applying : proto::MachinePhase::waiting_for_manifest;
    case Phase::serving: return proto::MachinePhase::serving;
    case Phase::backing_off: return proto::MachinePhase::failed;
    case Phase::ending: return proto::MachinePhase::stopping;
    case Phase::stopping:
    case Phase::address:
    case Phase::starting:
    case Phase::clearing: return proto::MachinePhase::applying;
    }
    return proto::MachinePhase::starting;
}

std::string BootPlan::trust_in_words() const
{
    if (!config_.trusted) return "none yet: a stick with manifest.pub enrols one";
    return (config_.built_in ? "built into the image: " : "enrolled on this machine: ") + key_id(*config_.trusted);
}

}  // namespace ocu::init
