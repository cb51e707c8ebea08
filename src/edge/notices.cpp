// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/notices.h"

#include <algorithm>
#include <format>

#include "base/crypto/crypto.h"
#include "base/log.h"
#include "edge/address.h"
#include "edge/sockets.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kQueueBytesMax = 1u << 16;
constexpr unsigned kTooManyRequests = 429;

std::string new_id()
{
    std::array<std::uint8_t, 16> bytes{};
    crypto::random_bytes(std::as_writable_bytes(std::span(bytes)));
    return crypto::to_hex(bytes);
}

// A receiver that cannot now is asked again; one that does not want it is not (RFC 9110: 4xx is our fault, 3xx is a place that nobody declared).
NoticeQueue::Came came_of(unsigned status)
{
    if (status >= 200 && status < 300) return NoticeQueue::Came::to_delivery;
    if (status >= 500 || status == kTooManyRequests) return NoticeQueue::Came::to_nothing;
    return NoticeQueue::Came::to_refusal;
}

}  // namespace

Notices::Notices(wire::Loop& loop, Clock const& clock, std::optional<Webhook> webhook, Calls calls)
    : loop_(loop), clock_(clock), webhook_(std::move(webhook)), calls_(std::move(calls)), queue_(calls_.random)
{
    if (!webhook_) return;
    health_ = proto::WebhookHealth::untried;
    tell();
}

void Notices::add(TripNotice notice)
{
    if (stopped_) return;
    notice.id = new_id();
    notice.number = ++last_number_;
    notice.appliance = webhook_->appliance;
    if (auto const gone = queue_.add({notice.id, notice.number, notice.session, notice_body(notice), clock_.now(), 0})) {
        ++lost_;
        note(proto::What::notice_given_up, *gone, std::format("too many wait; lost since the start: {}", lost_), 0);
    }
    turn();
    tell();
}

void Notices::turn()
{
    due_.reset();
    if (auto const* const notice = queue_.begin(clock_.now())) return begin(*notice);
    if (auto const wait = queue_.wait(clock_.now())) due_ = loop_.after(std::max(*wait, std::chrono::milliseconds(1)), [this] { turn(); });
}

// Signed anew for each attempt: a receiver does not take what was signed long ago.
void Notices::begin(Notice const& notice)
{
    patience_ = loop_.after(kNoticeWait, [this] { patience_is_over(); });
    if (!link_) return failed("notifier down");
    stage_ = Stage::signing;
    request_ = RequestId{calls_.number()};
    time_s_ = std::chrono::floor<std::chrono::seconds>(clock_.wall()).time_since_epoch().count();
    calls_.sign({request_, time_s_, wire::Text<proto::kNoticeBytesMax>(notice.body)});
}

void Notices::signed_by_custody(proto::NoticeSigned const& answer)
{
    if (stage_ != Stage::signing || answer.request != request_) return;  // its attempt is over
    if (!answer.good) return failed("not signed");
    signature_ = notice_signature(time_s_, answer.mac);
    stage_ = Stage::dialling;
    proto::Dial dial;
    dial.request = request_;
    if (webhook_->numeric)
        dial.address = wire::Text<45>(webhook_->host);
    else
        dial.name = wire::Text<253>(webhook_->host);
    dial.port = webhook_->port;
    dial.direct = true;  // what the appliance itself needs goes by nobody's proxy
    for (auto const& range : webhook_->ranges) dial.ranges.push(range);
    if (!calls_.dial(dial)) failed("uplink down");
}

bool Notices::dialled(RequestId dial, UniqueFd& socket)
{
    if (stage_ != Stage::dialling || dial != request_) return false;
    // As for every connection: the socket itself is asked where it leads.
    auto const peer = peer_of(socket.get());
    if (!peer || peer->port != webhook_->port || !may_dial(peer->address, webhook_->ranges)) {
        log::error("a connection to the webhook leads elsewhere");
        failed("leads elsewhere");
        return true;
    }
    if (!link_) {
        failed("notifier down");
        return true;
    }
    stage_ = Stage::posting;
    auto const& notice = *queue_.current();
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(socket));
    link_->send(proto::PostNotice{request_, notice.id, signature_, notice.body}, std::move(descriptors));
    return true;
}

bool Notices::not_dialled(RequestId dial, std::string_view why)
{
    if (stage_ != Stage::dialling || dial != request_) return false;
    failed(why);
    return true;
}

void Notices::helper_up(UniqueFd link)
{
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(link), wire::Link::Options{proto::kNotifierToEdge, kQueueBytesMax},
        [this](wire::Link::Frame frame) { hear(frame); },
        [this](wire::Lost why) {
            if (why != wire::Lost::closed) calls_.violated();
            loop_.post([this] { helper_down(); });
        });
    queue_.hurry(clock_.now());
    if (stage_ == Stage::idle) turn();
}

void Notices::helper_down()
{
    if (stopped_) return;
    link_.reset();
    if (stage_ == Stage::posting) failed("notifier down");
}

void Notices::uplink_up()
{
    queue_.hurry(clock_.now());
    if (stage_ == Stage::idle) turn();
}

void Notices::uplink_down()
{
    if (stage_ == Stage::dialling) failed("uplink down");
}

void Notices::hear(wire::Link::Frame const& frame)
{
    auto const message = wire::decode<proto::NoticePosted>(frame.body);
    bool const asked = message && stage_ == Stage::posting && message->request == request_;
    bool const sane = asked && (message->ending != proto::PostEnding::answered || (message->status >= 200 && message->status <= 999)) &&
                      std::ranges::all_of(message->word.view(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!sane) return link_->violation();
    posted(*message);
}

void Notices::posted(proto::NoticePosted const& message)
{
    if (message.ending == proto::PostEnding::answered) return settle(came_of(message.status), "answered", message.status);
    std::string why(name_of(message.ending));
    if (!message.word.empty()) why += ":" + message.word.str();
    failed(why);
}

void Notices::failed(std::string_view why) { settle(NoticeQueue::Came::to_nothing, why, 0); }

// A helper that has not said what came of a post by now is not what it was.
void Notices::patience_is_over()
{
    bool const posting = stage_ == Stage::posting;
    failed("timed_out");
    if (posting && link_) link_->violation();
}

void Notices::settle(NoticeQueue::Came came, std::string_view why, unsigned status)
{
    patience_.reset();
    stage_ = Stage::idle;
    request_ = {};
    bool const first = health_ != proto::WebhookHealth::failing;
    Notice const tried = *queue_.current();
    auto const done = queue_.settle(came, clock_.now());
    health_ = came == NoticeQueue::Came::to_delivery ? proto::WebhookHealth::delivering : proto::WebhookHealth::failing;
    if (came == NoticeQueue::Came::to_delivery) {
        note(proto::What::notice_delivered, tried, why, status);
    } else if (done) {
        ++lost_;
        note(proto::What::notice_given_up, tried, why, status);
    } else if (first) {
        note(proto::What::notice_failed, tried, why, status);  // once for each time that the receiver goes away, not for each attempt
    }
    tell();
    // Later: whoever called may be in the middle of something.
    due_ = loop_.after(std::chrono::milliseconds(0), [this] { turn(); });
}

void Notices::note(proto::What what, Notice const& notice, std::string_view why, unsigned status)
{
    proto::Event event;
    event.what = what;
    event.outcome = what == proto::What::notice_delivered ? proto::Outcome::success : proto::Outcome::failure;
    event.session = notice.session;
    event.actor = "core";
    event.resource = wire::Text<512>(webhook_->place());
    event.detail = wire::Text<1024>::cut(
        std::format("id={} number={} attempts={} why={} status={}", notice.id, notice.number, notice.attempts, why, status));
    event.number = status;
    calls_.note(std::move(event));
}

void Notices::tell() { calls_.tell({health_, static_cast<std::uint32_t>(queue_.size()), lost_}); }

void Notices::stop()
{
    stopped_ = true;
    due_.reset();
    patience_.reset();
    stage_ = Stage::idle;
    link_.reset();
}

}  // namespace ocu::edge
