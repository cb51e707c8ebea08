// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/inspections.h"

#include <algorithm>

#include "storage/limits.h"

namespace ocu::storage {

using proto::Reason;

std::chrono::milliseconds check_time(std::uint64_t bytes)
{
    constexpr std::uint64_t kHourSeconds = 3'600;
    std::chrono::seconds const more(std::min(bytes / kCheckBytesPerSecond, kHourSeconds));
    return std::min<std::chrono::milliseconds>(kCheckTimeLeast + more, kCheckTimeMost);
}

Inspections::Inspections(wire::Loop& loop, std::function<void(proto::BodyInspected)> answer, std::function<void()> misbehaved)
    : loop_(loop), answer_(std::move(answer)), misbehaved_(std::move(misbehaved))
{}

void Inspections::fail(CallId call)
{
    proto::BodyInspected failed;
    failed.call = call;
    answer_(std::move(failed));
}

void Inspections::fail(Waiting& waiting, Reason reason)
{
    if (auto const* const body = std::get_if<proto::InspectBody>(&waiting.what)) return fail(body->call);
    std::get<ArchiveCheck>(waiting.what).done(reason, {});
}

std::size_t Inspections::waiting_checks() const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(waiting_, [](Waiting const& each) { return std::holds_alternative<ArchiveCheck>(each.what); }));
}

void Inspections::ask(proto::InspectBody body)
{
    auto const bodies = waiting_.size() - waiting_checks();
    if (stopped_ || bodies >= kInspectionsWaitingMax || body.content == proto::Content::text) {
        fail(body.call);
        return;
    }
    auto const number = ++last_number_;
    auto const first_check =
        std::ranges::find_if(waiting_, [](Waiting const& each) { return std::holds_alternative<ArchiveCheck>(each.what); });
    waiting_.insert(first_check, {number, std::move(body), loop_.after(kInspectionWait, [this, number] { give_up(number); })});
    next();
}

void Inspections::check(ArchiveCheck check)
{
    if (stopped_) return check.done(Reason::shutting_down, {});
    if (waiting_checks() >= kChecksWaitingMax) return check.done(Reason::too_many_calls, {});
    auto const number = ++last_number_;
    waiting_.push_back({number, std::move(check), loop_.after(kInspectionWait, [this, number] { give_up(number); })});
    next();
}

void Inspections::give_up(std::uint64_t number)
{
    auto const found = std::ranges::find(waiting_, number, &Waiting::number);
    if (found == waiting_.end()) return;
    auto lost = std::move(*found);
    waiting_.erase(found);
    fail(lost, Reason::role_unavailable);
}

void Inspections::next()
{
    while (!busy_ && link_ && !waiting_.empty()) {
        auto first = std::move(waiting_.front());
        waiting_.pop_front();
        current_number_ = first.number;
        busy_ = true;
        if (auto* const body = std::get_if<proto::InspectBody>(&first.what)) {
            send_body(std::move(*body));
        } else if (!send_check(std::move(std::get<ArchiveCheck>(first.what)))) {
            busy_ = false;
        }
    }
}

void Inspections::send_body(proto::InspectBody body)
{
    current_ = body.call;
    watchdog_ = loop_.after(kInspectionTime, [this] { lose_parser(true); });
    link_->send(proto::Inspect{RequestId{current_number_}, body.content, std::move(body.body)});
}

bool Inspections::send_check(ArchiveCheck check)
{
    auto pair = make_socket_pair();
    if (!pair || !check.give_source(std::move(pair->theirs))) {
        check.done(Reason::role_unavailable, {});
        return false;
    }
    current_check_ = std::move(check.done);
    watchdog_ = loop_.after(check_time(check.bytes), [this] { lose_parser(true); });
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(pair->ours));
    link_->send(proto::CheckArchive{RequestId{current_number_}, check.bytes}, std::move(descriptors));
    return true;
}

void Inspections::on_frame(wire::Link::Frame const& frame)
{
    bool const checked = frame.type == static_cast<std::uint16_t>(proto::Type::archive_checked);
    if (!(checked ? take_checked(frame) : take_inspected(frame))) link_->violation();
}

bool Inspections::take_checked(wire::Link::Frame const& frame)
{
    auto const decoded = wire::decode<proto::ArchiveChecked>(frame.body);
    if (!decoded || !busy_ || !current_check_ || decoded->request.value != current_number_) return false;
    watchdog_.reset();
    busy_ = false;
    auto const done = std::exchange(current_check_, nullptr);
    done(decoded->verdict.rule == proto::ArchiveRule::none ? Reason::none : Reason::archive_refused, decoded->verdict);
    next();
    return true;
}

bool Inspections::take_inspected(wire::Link::Frame const& frame)
{
    auto decoded = wire::decode<proto::Inspected>(frame.body);
    bool const expected =
        decoded && busy_ && !current_check_ && decoded->request.value == current_number_ && decoded->content != proto::Content::archive;
    if (!expected) return false;
    watchdog_.reset();
    busy_ = false;
    proto::BodyInspected answer;
    answer.call = current_;
    answer.good = decoded->good;
    answer.content = decoded->content;
    answer.mime = std::move(decoded->mime);
    answer.body = std::move(decoded->body);
    answer_(std::move(answer));
    next();
    return true;
}

void Inspections::parser_up(UniqueFd link)
{
    lose_parser(false);
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(link), wire::Link::Options{proto::kParserMaySend}, [this](wire::Link::Frame frame) { on_frame(frame); },
        [this](wire::Lost why) { lose_parser(why != wire::Lost::closed); });
    next();
}

void Inspections::parser_down() { lose_parser(false); }

void Inspections::lose_parser(bool misbehaved)
{
    link_.reset();
    watchdog_.reset();
    if (std::exchange(busy_, false)) {
        // What the parser ended on is not asked again: it would end on it again.
        if (auto const done = std::exchange(current_check_, nullptr))
            done(Reason::archive_refused, {.rule = proto::ArchiveRule::unchecked});
        else
            fail(current_);
    }
    if (misbehaved) misbehaved_();
}

void Inspections::stop()
{
    stopped_ = true;
    lose_parser(false);
    for (auto& each : std::exchange(waiting_, {})) fail(each, Reason::shutting_down);
}

}  // namespace ocu::storage
