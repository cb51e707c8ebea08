// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/writer.h"

#include "base/log.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kQueueBytesMax = 1u << 20;
constexpr std::chrono::milliseconds kSettle{20};      // events of one action share a checkpoint
constexpr std::chrono::milliseconds kLastWords{100};  // for append_failed to leave before the process ends

}  // namespace

proto::LogOpened opened_report(Log const& log)
{
    return {log.size(), log.root(), log.repaired_bytes(), log.checkpoint_size(), log.kept_heads(), log.removal().first_segment(), log.removal().first_record(),
        log.cold_position()};
}

Writer::Writer(wire::Loop& loop, Log log, UniqueFd link, Clock const& clock)
    : loop_(loop), clock_(clock), log_(std::move(log)),
      link_(
          loop, std::move(link), {proto::kAuditToWriter, kQueueBytesMax}, [this](wire::Link::Frame frame) { take(frame); },
          [this](wire::Lost) { loop_.stop(); })
{
    wait_to_derive();
}

void Writer::take(wire::Link::Frame const& frame)
{
    if (!outcome_) return;
    if (retention(frame)) return;
    if (frame.type == static_cast<std::uint16_t>(proto::Type::checkpoint_signature)) {
        auto const answer = wire::decode<proto::CheckpointSignature>(frame.body);
        return answer ? sign(*answer) : link_.violation();
    }
    if (frame.type == static_cast<std::uint16_t>(proto::Type::keep_head)) {
        auto const kept = wire::decode<proto::KeepHead>(frame.body);
        return kept ? keep(*kept) : link_.violation();
    }
    if (frame.type == static_cast<std::uint16_t>(proto::Type::keep_cold)) {
        auto const kept = wire::decode<proto::KeepCold>(frame.body);
        return kept ? keep(*kept) : link_.violation();
    }
    auto append = wire::decode<proto::Append>(frame.body);
    if (!append) return link_.violation();
    if (batch_.empty()) loop_.post([this] { commit(); });
    batch_.push_back({append->source, WallTime(std::chrono::milliseconds(append->time_ms)), std::move(append->event)});
    last_ = append->request;
    if (batch_.size() >= kBatchRecordsMax) commit();
}

void Writer::commit()
{
    if (batch_.empty() || !outcome_) return;
    auto const batch = std::exchange(batch_, {});
    auto const first = log_.append(batch);
    if (!first) return give_up(first.error());
    link_.send(proto::Appended{last_, static_cast<std::uint32_t>(batch.size()), *first});
    if (log_.untiled() >= kUntiledRecordsMax) {
        derive_timer_.reset();
        return derive();
    }
    wait_to_derive();
}

void Writer::wait_to_derive()
{
    if (derive_timer_ || !outcome_) return;
    auto const since = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - last_derived_);
    derive_timer_ = loop_.after(std::max(kSettle, kDeriveEvery - std::min(since, kDeriveEvery)), [this] {
        derive_timer_.reset();
        derive();
    });
}

void Writer::derive()
{
    last_derived_ = clock_.now();
    auto checkpoint = log_.derive();
    if (!checkpoint) return give_up(checkpoint.error());
    ++signature_request_.value;
    link_.send(proto::CheckpointWanted{signature_request_, checkpoint->size, format_body(*checkpoint)});
    unsigned_ = std::move(*checkpoint);
}

void Writer::sign(proto::CheckpointSignature const& answer)
{
    if (answer.request != signature_request_ || !unsigned_) return;  // an answer to an earlier question: a newer one is under way
    auto const checkpoint = *std::exchange(unsigned_, std::nullopt);
    if (!answer.good) return wait_to_derive();  // custody is down: the checkpoint lags, appends do not
    auto const written = log_.write_checkpoint(checkpoint, answer.public_key, answer.signature);
    if (written) return;
    if (written.error().fault != Fault::denied) return give_up(written.error());
    log::failure("checkpoint signature refused", written.error());
}

void Writer::keep(proto::KeepHead const& head)
{
    auto const kept = log_.keep_head(head.witness.view(), head.key.view(), head.note.view());
    if (kept) return;
    if (kept.error().fault != Fault::malformed) return give_up(kept.error());
    log::failure("a cosigned head is not kept", kept.error());
}

// One that cannot be kept is found again at the next start, from what lies in the cold tier.
void Writer::keep(proto::KeepCold const& cold)
{
    if (auto const kept = log_.keep_cold(cold.position); !kept) log::failure("how far the cold tier is was not kept", kept.error());
}

// Whether it was one of these.
bool Writer::retention(wire::Link::Frame const& frame)
{
    auto const hear = [&]<class Message>(void (Writer::*then)(Message const&)) {
        auto const message = wire::decode<Message>(frame.body);
        message ? (this->*then)(*message) : link_.violation();
        return true;
    };
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::retention_look: return hear(&Writer::look);
    case proto::Type::retention_go: return hear(&Writer::go);
    case proto::Type::retention_signed: return hear(&Writer::remove);
    default: return false;
    }
}

void Writer::look(proto::RetentionLook const& ask)
{
    removing_.reset();
    RemovalPolicy const policy{ask.days, WallTime(std::chrono::milliseconds(ask.now_ms)), ask.copied, ask.cold, ask.hot_days};
    auto plan = log_.plan_removal(policy);
    if (!plan && plan.error().fault == Fault::denied) return link_.violation();
    tell_removed(ask.request);
    if (!plan) {
        log::failure("old records are kept, since what would go could not be checked", plan.error());
        link_.send(proto::RetentionFound{ask.request, proto::RetentionHold::damaged, 0, 0, 0});
        return;
    }
    link_.send(proto::RetentionFound{ask.request, plan->hold, plan->removed, plan->segment, plan->newest_ms});
    if (plan->removed != 0) removing_ = Removing{ask.request, policy, std::move(*plan), std::nullopt};
}

void Writer::go(proto::RetentionGo const& ask)
{
    if (!removing_ || removing_->request != ask.request || removing_->note) return link_.violation();
    auto note = log_.word_removal(removing_->plan, ask.event, removing_->policy);
    if (!note && note.error().fault == Fault::os) return give_up(note.error());
    if (!note) return link_.violation();
    link_.send(proto::RetentionWanted{ask.request, note->body});
    removing_->note = std::move(*note);
}

void Writer::remove(proto::RetentionSigned const& answer)
{
    if (!removing_ || removing_->request != answer.request || !removing_->note) return link_.violation();
    auto const removing = *std::exchange(removing_, std::nullopt);
    if (!answer.good) return;
    if (auto const done = log_.remove(*removing.note, answer.public_key, answer.signature); !done)
        log::failure("old records could not be removed, and are tried again", done.error());
    tell_removed(answer.request);
}

void Writer::tell_removed(RequestId request)
{
    link_.send(proto::RetentionDone{request, log_.removal().first_segment(), log_.removal().first_record()});
}

// T-10: after the first failure nothing is acknowledged, and the process ends; the next one starts from what the disk really has.
void Writer::give_up(Error const& error)
{
    log::failure("log failed", error);
    outcome_ = std::unexpected(error);
    batch_.clear();
    link_.send(proto::AppendFailed{error.os_errno});
    stop_timer_ = loop_.after(kLastWords, [this] { loop_.stop(); });
}

}  // namespace ocu::audit
