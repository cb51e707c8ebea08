// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/inspections.h"

#include <algorithm>

#include "storage/limits.h"

namespace ocu::storage {

Inspections::Inspections(wire::Loop& loop, std::function<void(proto::BodyInspected)> answer, std::function<void()> misbehaved)
    : loop_(loop), answer_(std::move(answer)), misbehaved_(std::move(misbehaved))
{}

void Inspections::fail(CallId call)
{
    proto::BodyInspected failed;
    failed.call = call;
    answer_(std::move(failed));
}

void Inspections::ask(proto::InspectBody body)
{
    if (stopped_ || waiting_.size() >= kInspectionsWaitingMax || body.content == proto::Content::text) {
        fail(body.call);
        return;
    }
    auto const number = ++last_number_;
    waiting_.push_back({number, std::move(body), loop_.after(kInspectionWait, [this, number] { give_up(number); })});
    next();
}

void Inspections::give_up(std::uint64_t number)
{
    auto const found = std::ranges::find(waiting_, number, &Waiting::number);
    if (found == waiting_.end()) return;
    auto const call = found->body.call;
    waiting_.erase(found);
    fail(call);
}

void Inspections::next()
{
    if (busy_ || !link_ || waiting_.empty()) return;
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    busy_ = true;
    current_ = first.body.call;
    current_number_ = first.number;
    watchdog_ = loop_.after(kInspectionTime, [this] { lose_parser(true); });
    link_->send(proto::Inspect{RequestId{first.number}, first.body.content, std::move(first.body.body)});
}

void Inspections::on_frame(wire::Link::Frame const& frame)
{
    auto decoded = wire::decode<proto::Inspected>(frame.body);
    bool const expected = decoded && busy_ && decoded->request.value == current_number_ && decoded->content != proto::Content::archive;
    if (!expected) {
        link_->violation();
        return;
    }
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
    if (std::exchange(busy_, false)) fail(current_);
    if (misbehaved) misbehaved_();
}

void Inspections::stop()
{
    stopped_ = true;
    lose_parser(false);
    for (auto& each : std::exchange(waiting_, {})) fail(each.body.call);
}

}  // namespace ocu::storage
