// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/cold_desk.h"

#include <algorithm>
#include <format>
#include <limits>

#include "audit/cold_object.h"
#include "audit/layout.h"
#include "audit/lend.h"
#include "base/log.h"
#include "helper/helper.h"

namespace ocu::audit {

using proto::ColdAnswer;
using proto::ColdHealth;
using proto::Outcome;
using proto::What;

namespace {

constexpr std::size_t kQueueBytesMax = 4u << 10;
constexpr unsigned kDoublingsMax = 16;
constexpr std::uint16_t kRequestTimeout = 408, kTooManyRequests = 429, kServerError = 500;

// The helper's first frame says that it is confined.
constexpr std::array kHelperSays{proto::kColdToAudit[0], wire::Permit{helper::kReadyType, 0, 0}};

// Whether somebody has to do something, or time alone may help.
ColdHealth health_of(proto::ColdOutcome const& outcome)
{
    auto const status = outcome.status;
    switch (outcome.answer) {
    case ColdAnswer::kept: return ColdHealth::keeping;
    case ColdAnswer::not_locked:
    case ColdAnswer::wrong_lock:
    case ColdAnswer::other_bytes:
    case ColdAnswer::log_unreadable: return ColdHealth::refused;
    case ColdAnswer::answered:
        return status >= kServerError || status == kTooManyRequests || status == kRequestTimeout ? ColdHealth::failing : ColdHealth::refused;
    case ColdAnswer::unreachable:
    case ColdAnswer::tls:
    case ColdAnswer::timed_out:
    case ColdAnswer::broken:
    case ColdAnswer::no_head: return ColdHealth::failing;
    }
    return ColdHealth::failing;
}

}  // namespace

ColdDesk::ColdDesk(
    wire::Loop& loop, Clock const& clock, std::optional<Cold> cold, UniqueFd log, helper::Spawner& spawner, Calls calls, ColdPace pace)
    : loop_(loop), clock_(clock), cold_(std::move(cold)), log_(std::move(log)), spawner_(spawner), calls_(std::move(calls)), pace_(pace), graves_(loop)
{}

ColdDesk::~ColdDesk() { stop(); }

void ColdDesk::opened(proto::ColdPosition const& kept, std::uint64_t first_segment, std::uint64_t first_record)
{
    if (!cold_ || stopped_) return;
    // The writer may have begun anew; what was confirmed since stays so.
    if (!std::exchange(open_, true) && kept.place == cold_->digest()) position_ = kept;
    position_.place = cold_->digest();
    begins_at(first_segment, first_record);
    timer_ = loop_.after(pace_.look, [this] { look(); });
    tell();
}

void ColdDesk::begins_at(std::uint64_t first_segment, std::uint64_t first_record)
{
    if (first_segment <= position_.segment) return;
    position_.segment = first_segment;
    position_.records = first_record;
}

std::uint64_t ColdDesk::confirmed() const { return cold_ ? position_.segment : std::numeric_limits<std::uint64_t>::max(); }

// One that is followed by another gets no record more.
bool ColdDesk::is_sealed(std::uint64_t segment) const { return open_to_lend(log_.get(), segment_path(segment + 1)).has_value(); }

void ColdDesk::count_due()
{
    while (due_ < kColdCountedMax && is_sealed(position_.segment + due_)) ++due_;
    if (due_ == 0)
        since_.reset();
    else if (!since_)
        since_ = clock_.now();
}

void ColdDesk::look()
{
    if (stopped_) return;
    count_due();
    turn();
    tell();
    timer_ = loop_.after(pace_.look, [this] { look(); });
}

void ColdDesk::turn()
{
    auto const now = clock_.now();
    if (link_) {
        if (now - begun_ >= pace_.attempt) failed(ColdHealth::failing, "timed_out");
        return;
    }
    if (due_ == 0 || now < next_) return;
    if (!custody_ || head_.size == 0) {
        if (now - *since_ >= pace_.patience) failed(ColdHealth::failing, custody_ ? "no_head" : "custody_down");
        return;
    }
    if (auto const started = spawn(); !started) {
        log::failure("a segment cannot be given to the cold tier", started.error());
        failed(ColdHealth::failing, "not_started");
    }
}

Result<void> ColdDesk::spawn()
{
    proto::ColdConfig const config{cold_->store, position_.segment, cold_->days, cold_->mode, wire::Text<proto::kHeadNoteBytesMax>(head_.note)};
    auto lane = OCU_TRY(make_socket_pair());
    auto credential = OCU_TRY(make_socket_pair());
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(OCU_TRY(open_to_lend(log_.get(), segment_path(position_.segment))));
    descriptors.push_back(std::move(lane.theirs));
    descriptors.push_back(std::move(credential.theirs));
    auto spawned = OCU_TRY(spawner_.spawn(helper::Kind::audit_cold, Slot{0}, wire::encode(config), std::move(descriptors)));
    calls_.lane(std::move(lane.ours));
    calls_.credential(std::move(credential.ours));
    child_ = std::move(spawned.child);
    ready_ = false;
    begun_ = clock_.now();
    ++generation_;
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(spawned.link), wire::Link::Options{kHelperSays, kQueueBytesMax}, [this](wire::Link::Frame frame) { hear(frame); },
        [this, generation = generation_](wire::Lost why) {
            loop_.post([this, generation, why] {
                if (generation_ != generation || stopped_) return;
                note(why == wire::Lost::closed ? What::helper_death : What::helper_violation, Outcome::failure, {});
                failed(ColdHealth::failing, "ended");
            });
        });
    return {};
}

// T-43: what cannot be so is said by a process that is not what it was.
void ColdDesk::hear(wire::Link::Frame const& frame)
{
    if (frame.type == helper::kReadyType) {
        if (std::exchange(ready_, true)) link_->violation();
        return;
    }
    auto const outcome = wire::decode<proto::ColdOutcome>(frame.body);
    bool const fits = outcome && ready_ && outcome->status <= 999 &&
                      (outcome->answer != ColdAnswer::kept || (outcome->end > position_.records && outcome->end < size_));
    if (!fits) return link_->violation();
    // Not from within the link's own call.
    loop_.post([this, generation = generation_, told = *outcome] {
        if (generation_ == generation && !stopped_) over(told);
    });
}

void ColdDesk::over(proto::ColdOutcome const& outcome)
{
    if (outcome.answer != ColdAnswer::kept) return failed(health_of(outcome), name_of(outcome.answer), outcome.status);
    end();
    note(What::audit_cold_kept, Outcome::success,
        std::format("segment={} records={}-{} until={} sha256={}", position_.segment, position_.records, outcome.end - 1, format_lock(outcome.until_ms / 1000),
            crypto::to_hex(outcome.digest)));
    ++position_.segment;
    position_.records = outcome.end;
    calls_.keep(position_);
    if (due_ != 0) --due_;
    since_.reset();
    count_due();
    failures_ = 0;
    overdue_said_ = false;
    health_ = ColdHealth::keeping;
    word_.clear();
    on_record_.clear();
    status_ = 0;
    turn();
    tell();
}

void ColdDesk::end()
{
    link_.reset();
    graves_.bury(std::move(child_));
    child_ = {};
    ++generation_;
}

void ColdDesk::failed(ColdHealth health, std::string_view word, std::uint16_t status)
{
    if (link_) end();
    auto const now = clock_.now();
    next_ = now + std::min<std::chrono::seconds>(pace_.again_first * (1u << std::min(failures_++, kDoublingsMax)), pace_.again_max);
    health_ = health;
    word_ = word;
    status_ = status;
    auto const cause = std::format("why={} status={}", word, status);
    bool const said = on_record_ == cause && now - on_record_at_ < pace_.record_every;
    if (health == ColdHealth::refused && !said) {
        on_record_ = cause;
        on_record_at_ = now;
        log::error("the cold tier does not hold what it is given:", cause);
        note(What::audit_cold_refused, Outcome::failure, std::format("segment={} {}", position_.segment, cause));
    }
    if (since_ && now - *since_ >= pace_.overdue && !std::exchange(overdue_said_, true))
        note(What::audit_cold_overdue, Outcome::failure,
            std::format("segment={} {} segments={} since_s={}", position_.segment, cause, due_, std::chrono::floor<std::chrono::seconds>(now - *since_).count()));
    tell();
}

void ColdDesk::note(What what, Outcome outcome, std::string detail)
{
    proto::Event event;
    event.what = what;
    event.outcome = outcome;
    event.actor = "core";
    event.resource = "audit-cold";
    event.detail = wire::Text<1024>::cut(cold_->place + (detail.empty() ? "" : " ") + detail);
    event.number = static_cast<std::int64_t>(position_.records);
    calls_.note(std::move(event));
}

void ColdDesk::tell()
{
    if (!cold_) return;
    // Whole seconds, so that what has not changed is not told anew.
    auto const since = since_ ? std::chrono::floor<std::chrono::seconds>(clock_.wall() - std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - *since_))
                                    .time_since_epoch()
                              : std::chrono::seconds(0);
    proto::ColdState state{wire::Text<512>::cut(cold_->place), health_, wire::Text<32>::cut(word_), status_, position_.segment, position_.records, size_,
        std::chrono::milliseconds(since).count(), due_};
    if (told_ == state) return;
    told_ = state;
    calls_.tell(std::move(state));
}

void ColdDesk::stop()
{
    if (std::exchange(stopped_, true)) return;
    timer_.reset();
    link_.reset();
    child_.forget();
    ++generation_;
    graves_.forget();
}

}  // namespace ocu::audit
