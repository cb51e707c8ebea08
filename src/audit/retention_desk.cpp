// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/retention_desk.h"

#include <cstdlib>
#include <format>

#include "audit/limits.h"
#include "base/log.h"

namespace ocu::audit {

using proto::RetentionHold;

RetentionDesk::RetentionDesk(wire::Loop& loop, Clock const& clock, std::uint32_t days, std::uint32_t hot_days, Calls calls)
    : loop_(loop), clock_(clock), calls_(std::move(calls))
{
    state_.days = std::clamp(days, proto::kRetentionDaysFloor, proto::kRetentionDaysMax);
    state_.hot_days = hot_days == 0 ? 0 : std::clamp(hot_days, proto::kHotDaysFloor, state_.days);
}

void RetentionDesk::writer_up(std::uint64_t first_record)
{
    state_.first_record = first_record;
    step_ = Step::idle;
    look_in(kRetentionFirstLook);
    tell();
}

void RetentionDesk::writer_down()
{
    timer_.reset();
    step_ = Step::idle;
}

void RetentionDesk::look_in(std::chrono::milliseconds wait)
{
    timer_ = loop_.after(wait, [this] {
        timer_.reset();
        look();
    });
}

// Old records are old by the wall clock. It is believed while somebody keeps it right and nobody sets it: whoever can set it on by seven years
// could have everything removed (T-39).
bool RetentionDesk::clock_is_believed()
{
    auto const since = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch());
    auto const offset = clock_.wall().time_since_epoch() - since;
    if (offset_ && std::chrono::abs(offset - *offset_) > kClockJump) stepped_at_ = clock_.now();
    offset_ = offset;
    if (stepped_at_ && clock_.now() - *stepped_at_ < kClockSettles) return false;
    return calls_.clock_is_checked();
}

void RetentionDesk::look()
{
    look_in(kRetentionEvery);
    believed_ = clock_is_believed();
    if (step_ != Step::idle && step_ != Step::signing) return;  // the writer is at it
    if (step_ == Step::signing) {
        // Custody did not answer in all that time: nothing goes, and the writer forgets it.
        signed_now(false, {}, {});
        return;
    }
    step_ = Step::looking;
    ++request_.value;
    terms_ = {};
    terms_.days = state_.days;
    terms_.hot_days = state_.hot_days;
    terms_.signed_ms = clock_.wall().time_since_epoch().count();
    calls_.look({request_, terms_.days, terms_.signed_ms, calls_.copied(), calls_.cold(), terms_.hot_days});
}

bool RetentionDesk::found(proto::RetentionFound const& found, std::uint64_t log_size)
{
    if (step_ != Step::looking || found.request != request_) return false;
    step_ = Step::idle;
    if (found.removed == 0) {
        held(found.hold);
        return true;
    }
    auto terms = terms_;
    terms.removed = terms.event = found.removed;
    terms.segment = found.segment;
    terms.newest_ms = found.newest_ms;
    if (!terms.hold() || found.removed <= state_.first_record || found.removed >= log_size) return false;
    terms_ = terms;
    if (!believed_) return held(RetentionHold::clock), true;
    bool const said = announced_.removed == terms.removed && announced_.segment == terms.segment && announced_.days == terms.days &&
                      announced_.newest_ms == terms.newest_ms;
    said ? go(found, announced_.event) : announce(found);
    return true;
}

// It is on record before anything is signed, so the tree that the signature is over has it.
void RetentionDesk::announce(proto::RetentionFound const& found)
{
    step_ = Step::recording;
    proto::Event event;
    event.what = proto::What::audit_retention;
    event.actor = "audit";
    event.resource = "journal";
    event.detail = std::format("records 0-{} newest={:%FT%TZ} days={} segment={}", found.removed - 1,
        std::chrono::floor<std::chrono::seconds>(WallTime(std::chrono::milliseconds(found.newest_ms))), terms_.days, found.segment);
    if (terms_.hot_days != 0) event.detail = wire::Text<1024>(event.detail.str() + std::format(" hot={}", terms_.hot_days));
    event.number = static_cast<std::int64_t>(found.removed);
    calls_.record(std::move(event), [this, request = request_, found](Result<EventNumber> number) {
        if (step_ != Step::recording || request != request_) return;
        step_ = Step::idle;
        if (!number) return;
        announced_ = terms_;
        announced_.event = number->value - 1;
        go(found, announced_.event);
    });
}

void RetentionDesk::go(proto::RetentionFound const& found, std::uint64_t event)
{
    terms_.event = event;
    step_ = Step::wording;
    calls_.go({found.request, event});
}

// T-39: what is signed has the terms that were asked for, whoever made the text.
bool RetentionDesk::wanted(proto::RetentionWanted wanted)
{
    if (step_ != Step::wording || wanted.request != request_) return false;
    if (wanted.note.view().find("\n" + proto::format_terms(terms_) + "chain ") == std::string_view::npos) return false;
    step_ = Step::signing;
    calls_.sign(std::move(wanted.note).take());
    return true;
}

void RetentionDesk::signed_now(bool good, std::array<std::uint8_t, 64> const& signature, std::array<std::uint8_t, 32> const& key)
{
    if (step_ != Step::signing) return;
    step_ = good ? Step::removing : Step::idle;
    calls_.answer({request_, good, signature, key});
    if (!good) held(RetentionHold::signature);
}

bool RetentionDesk::done(proto::RetentionDone const& done, std::uint64_t log_size)
{
    if (done.request != request_ || done.first_record < state_.first_record || done.first_record > log_size) return false;
    if (step_ == Step::removing) step_ = Step::idle;
    if (done.first_record == state_.first_record) return true;
    state_.first_record = done.first_record;
    state_.hold = RetentionHold::nothing_due;
    tell();
    return true;
}

// That nothing is due is no news; what keeps from removing what may be due is, once a day.
void RetentionDesk::held(RetentionHold hold)
{
    state_.hold = hold;
    tell();
    auto& held_at = held_at_[static_cast<std::size_t>(hold)];
    if (hold == RetentionHold::nothing_due || (held_at && clock_.now() - *held_at < kHeldNoteEvery)) return;
    held_at = clock_.now();
    proto::Event event;
    event.what = proto::What::audit_retention_held;
    event.outcome = proto::Outcome::failure;
    event.actor = "audit";
    event.resource = "journal";
    event.detail = "why=" + std::string(proto::name_of(hold)) + " days=" + std::to_string(state_.days);
    event.number = static_cast<std::int64_t>(state_.first_record);
    calls_.record(std::move(event), [](Result<EventNumber>) {});
}

void RetentionDesk::tell()
{
    if (told_ == state_) return;
    told_ = state_;
    calls_.tell(state_);
}

}  // namespace ocu::audit
