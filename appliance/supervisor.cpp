// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/supervisor.h"

#include <poll.h>

#include <algorithm>

#include "base/log.h"
#include "helper/frame.h"
#include "helper/helper.h"

namespace ocu::appliance {

namespace {

constexpr std::chrono::milliseconds kReadyWait{15'000};  // a machine that is starved of processor is slow, not broken
constexpr std::chrono::milliseconds kBackOffFirst{20};
constexpr std::chrono::milliseconds kBackOffMax{10'000};
constexpr std::chrono::seconds kStableAfter{60};
constexpr int kLauncherCleanUpMs = 10'000;
constexpr std::size_t kKeptEventsMax = 256;
constexpr std::chrono::milliseconds kKeptEventsEvery{50};
constexpr std::size_t kReportBytesMax = 64u << 10;

std::chrono::milliseconds back_off(unsigned failures)
{
    auto const wait = kBackOffFirst * (1u << std::min(failures, 12u));
    return std::min<std::chrono::milliseconds>(wait, kBackOffMax);
}

}  // namespace

Supervisor::Supervisor(wire::Loop& loop, Clock const& clock, helper::Health& health) : loop_(loop), clock_(clock), health_(health) {}
Supervisor::~Supervisor() = default;

void Supervisor::plan(helper::Kind kind, HelperPlan plan) { slot(kind).plan = std::move(plan); }

void Supervisor::note(proto::What what, helper::Kind kind, proto::Outcome outcome)
{
    if (recorder_ == nullptr) return;
    proto::Event event;
    event.what = what;
    event.outcome = outcome;
    event.actor = "core";
    event.resource = wire::Text<512>(helper::name_of(kind));
    event.number = slot(kind).child.pid();
    write(std::move(event));
}

void Supervisor::write(proto::Event event)
{
    // The death of the writer can only be written by its successor, so what is refused now waits for it.
    recorder_->record(event, [this, event](Result<EventNumber> written) {
        if (written || stopping_ || kept_.size() == kKeptEventsMax) return;
        kept_.push_back(event);
        if (kept_.size() == 1) keep_trying_ = loop_.after(kKeptEventsEvery, [this] { write_kept(); });
    });
}

void Supervisor::write_kept()
{
    for (auto& event : std::exchange(kept_, {})) write(std::move(event));
}

Result<helper::Spawned> Supervisor::begin(helper::Kind kind)
{
    HelperPlan const& plan = slot(kind).plan;
    auto descriptors = OCU_TRY(plan.descriptors ? plan.descriptors() : Result<std::vector<UniqueFd>>(std::vector<UniqueFd>{}));
    return start_helper(kind, plan.config, descriptors);
}

Result<void> Supervisor::take_up(helper::Kind kind, helper::Spawned spawned)
{
    Slot& entry = slot(kind);
    // Nothing of the role's own goes to a helper that has not said that it is confined.
    auto report = OCU_TRY(helper::read_frame(spawned.link.get(), kReportBytesMax, kReadyWait));
    if (report.type != helper::kReadyType) return fail(Fault::malformed, "helper's first frame is not its ready report");
    entry.child = std::move(spawned.child);
    entry.started = clock_.now();
    entry.violated = false;
    entry.death = loop_.on_readable(entry.child.pidfd(), [this, kind] { died(kind); });
    health_.up[static_cast<std::size_t>(kind)] = true;
    if (entry.plan.ready) entry.plan.ready(report.body);
    entry.plan.role->send(proto::HelperUp{kind, std::move(spawned.link), std::move(report.body)});
    note(proto::What::helper_start, kind, proto::Outcome::success);
    return {};
}

Result<void> Supervisor::launch(helper::Kind kind) { return take_up(kind, OCU_TRY(begin(kind))); }

Result<void> Supervisor::start(std::span<helper::Kind const> kinds)
{
    std::vector<helper::Spawned> begun;
    for (auto const kind : kinds) begun.push_back(OCU_TRY(begin(kind)));
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (auto const ready = take_up(kinds[i], std::move(begun[i])); !ready) {
            log::warning("cannot start and confine:", helper::name_of(kinds[i]));
            return ready;
        }
    }
    return {};
}

void Supervisor::died(helper::Kind kind)
{
    Slot& entry = slot(kind);
    if (!entry.child) return;
    health_.up[static_cast<std::size_t>(kind)] = false;
    entry.plan.role->send(proto::HelperDown{kind});
    if (!stopping_) note(entry.violated ? proto::What::helper_violation : proto::What::helper_death, kind, proto::Outcome::failure);
    if (!stopping_) log::warning("helper ended; its zone is closed until it is back:", helper::name_of(kind));
    entry.death.reset();
    entry.child.end();
    if (stopping_ && kind != helper::Kind::launcher) return;
    entry.failures = clock_.now() - entry.started > kStableAfter ? 0 : entry.failures + 1;
    schedule_restart(kind);
}

void Supervisor::schedule_restart(helper::Kind kind)
{
    Slot& entry = slot(kind);
    entry.restart = loop_.after(back_off(entry.failures), [this, kind] {
        if (stopped_) return;
        if (auto const started = launch(kind); !started) {
            log::failure("a helper does not start", started.error());
            ++slot(kind).failures;
            schedule_restart(kind);
        }
    });
}

void Supervisor::report_violation(helper::Kind kind)
{
    loop_.post([this, kind] {
        Slot& entry = slot(kind);
        if (!entry.child || entry.violated) return;
        log::warning("helper broke the rules of its channel and is ended:", helper::name_of(kind));
        entry.violated = true;
        entry.child.kill();  // its death is then noticed like any other
    });
}

void Supervisor::stop()
{
    stopping_ = stopped_ = true;
    for (auto& entry : slots_) {
        entry.restart.reset();
        entry.death.reset();
    }
    // The launcher takes away what is left of cgroups and mounts when its link closes. It alone is waited for.
    if (Slot& launcher = slot(helper::Kind::launcher); launcher.child) {
        pollfd entry{launcher.child.pidfd(), POLLIN, 0};
        if (::poll(&entry, 1, kLauncherCleanUpMs) != 1) log::warning("the launcher did not finish cleaning up in time");
    }
    for (auto& entry : slots_) entry.child.end();
}

}  // namespace ocu::appliance
