// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/time_keeper.h"

#include <algorithm>
#include <vector>

#include "appliance/init/set_clock.h"
#include "appliance/init/time_asker.h"
#include "appliance/init/time_policy.h"
#include "base/crypto/crypto.h"
#include "base/log.h"

namespace ocu::init {

struct TimeKeeper::Impl {
    Impl(wire::Loop& its_loop, Clock const& its_clock, std::int64_t build_time, std::function<void()> on_change,
        std::unique_ptr<SetClock> its_wall, std::unique_ptr<TimeAsker> its_asker)
        : loop(its_loop), clock(its_clock), changed(std::move(on_change)), wall(std::move(its_wall)), asker(std::move(its_asker)),
          policy(build_time, crypto::random_u64)
    {}

    // True if the clock was set.
    bool carry_out(TimeCorrection const& correction);
    void check();
    void ask_those_due();
    void hear(std::size_t server, TimeAsker::Answer const& answer);
    void tell_change();

    wire::Loop& loop;
    Clock const& clock;
    std::function<void()> changed;
    std::unique_ptr<SetClock> wall;
    std::unique_ptr<TimeAsker> asker;
    TimePolicy policy;
    std::vector<wire::Watch> asked;  // one for each server; set while it is being asked
    wire::Watch next;
    std::string told;                // what on_change was last called about
};

bool TimeKeeper::Impl::carry_out(TimeCorrection const& correction)
{
    if (correction.kind == TimeCorrection::Kind::none) return false;
    auto const set = correction.kind == TimeCorrection::Kind::step ? wall->step(correction.by) : wall->slew(correction.by);
    if (!set) log::failure("the clock", set.error());
    policy.set_clock_trouble(set ? "" : "The clock could not be set.");
    return set.has_value();
}

void TimeKeeper::Impl::check() { (void)carry_out(policy.check(wall->read().wall)); }

void TimeKeeper::Impl::ask_those_due()
{
    for (auto const server : policy.take_due(clock.now()))
        asked[server] = asker->ask(policy.servers()[server], [this, server](TimeAsker::Answer answer) { hear(server, answer); });
    next.reset();
    auto const due = policy.next_due();
    if (!due) return;
    auto const wait = std::chrono::ceil<std::chrono::milliseconds>(*due - clock.now());
    next = loop.after(std::max(wait, std::chrono::milliseconds(0)), [this] { ask_those_due(); });
}

void TimeKeeper::Impl::hear(std::size_t server, TimeAsker::Answer const& answer)
{
    asked[server].reset();
    auto const& host = policy.servers()[server].host;
    if (answer) {
        auto const correction = policy.answered(server, *answer, clock.now(), wall->read());
        // The hardware clock drifts too: it follows each answer that is believed.
        if (carry_out(correction)) {
            if (correction.kind == TimeCorrection::Kind::step) log::info("clock set by", host);
            if (auto const marked = wall->mark_checked(); !marked) log::failure("the clock's mark", marked.error());
            if (auto const written = wall->write_hardware_clock(); !written) {
                log::failure("the hardware clock", written.error());
                policy.set_clock_trouble("The hardware clock could not be set: after a restart the time is wrong until a server answers.");
            }
        }
    } else {
        policy.failed(server, answer.error(), clock.now());
        log::warning("no time from", host);
    }
    ask_those_due();
    tell_change();
}

void TimeKeeper::Impl::tell_change()
{
    auto now = policy.source(clock.now()) + '\n' + policy.trouble(clock.now());
    if (now == told) return;
    told = std::move(now);
    if (changed) changed();
}

TimeKeeper::TimeKeeper(wire::Loop& loop, Clock const& clock, std::int64_t build_time, std::function<void()> on_change)
    : TimeKeeper(loop, clock, build_time, std::move(on_change), std::make_unique<SystemSetClock>(), std::make_unique<HelperTimeAsker>(loop))
{}

TimeKeeper::TimeKeeper(wire::Loop& loop, Clock const& clock, std::int64_t build_time, std::function<void()> on_change,
    std::unique_ptr<SetClock> wall, std::unique_ptr<TimeAsker> asker)
    : impl_(std::make_unique<Impl>(loop, clock, build_time, std::move(on_change), std::move(wall), std::move(asker)))
{}

TimeKeeper::~TimeKeeper() = default;

void TimeKeeper::check_hardware_clock()
{
    impl_->check();
    impl_->tell_change();
}

void TimeKeeper::apply(manifest::Network const& wanted)
{
    impl_->asked.clear();
    impl_->policy.apply(wanted, impl_->clock.now());
    impl_->asked.resize(wanted.time.size());
    impl_->check();
    impl_->ask_those_due();
    impl_->tell_change();
}

std::string TimeKeeper::source() const { return impl_->policy.source(impl_->clock.now()); }
std::string TimeKeeper::trouble() const { return impl_->policy.trouble(impl_->clock.now()); }

}  // namespace ocu::init
