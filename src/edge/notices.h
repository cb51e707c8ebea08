// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// From a tripwire that is on record to a webhook that knows (EG-10): signed by custody, dialled by `uplink`, posted by `notifier`; tried again
// until somebody takes it, and never in the way of anything else. What becomes of each notice is on record. The queue is here: a helper that
// dies takes at most the attempt with it. Threading: the edge thread.

#include <functional>
#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "edge/notice_body.h"
#include "edge/notice_queue.h"
#include "edge/webhook.h"
#include "proto/any_to_audit.h"
#include "proto/ask_edge.h"
#include "proto/edge_to_custody.h"
#include "proto/edge_to_notifier.h"
#include "proto/edge_to_uplink.h"
#include "wire/loop.h"

namespace ocu::edge {

// What one attempt may take: custody's answer, a dial (edge/dialler.h: 15 s), a post (wire/http_post.h: 10 s).
inline constexpr std::chrono::milliseconds kNoticeWait{40'000};

class Notices {
public:
    struct Calls {
        std::function<std::uint64_t()> number;  // the edge's own, shared with its other dials
        std::function<void(proto::NoticeSignWanted)> sign;
        std::function<bool(proto::Dial const&)> dial;  // false: no uplink
        std::function<void()> violated;  // by the helper
        std::function<void(proto::Event)> note;
        std::function<void(proto::WebhookState)> tell;
        std::function<std::uint64_t()> random;
    };

    Notices(wire::Loop& loop, Clock const& clock, std::optional<Webhook> webhook, Calls calls);

    bool wanted() const { return webhook_.has_value(); }
    // `record` is on disk. What is not the caller's to know (id, number, name) is filled in here.
    void add(TripNotice notice);

    void helper_up(UniqueFd link);
    void helper_down();
    void uplink_up();
    void uplink_down();
    void signed_by_custody(proto::NoticeSigned const& answer);
    // Whether the dial was one of these.
    bool dialled(RequestId dial, UniqueFd& socket);
    bool not_dialled(RequestId dial, std::string_view why);
    // Nothing is told any more.
    void stop();

private:
    enum class Stage { idle, signing, dialling, posting };

    void turn();
    void begin(Notice const& notice);
    void hear(wire::Link::Frame const& frame);
    void posted(proto::NoticePosted const& posted);
    void failed(std::string_view why);
    void settle(NoticeQueue::Came came, std::string_view why, unsigned status);
    void patience_is_over();
    void note(proto::What what, Notice const& notice, std::string_view why, unsigned status);
    void tell();

    wire::Loop& loop_;
    Clock const& clock_;
    std::optional<Webhook> webhook_;
    Calls calls_;
    NoticeQueue queue_;
    std::unique_ptr<wire::Link> link_;
    Stage stage_ = Stage::idle;
    RequestId request_;  // of the stage that is waited for
    std::int64_t time_s_ = 0;  // that is signed
    std::string signature_;
    wire::Watch due_;
    wire::Watch patience_;
    std::uint64_t last_number_ = 0;
    std::uint64_t lost_ = 0;  // given up, since the start
    proto::WebhookHealth health_ = proto::WebhookHealth::none;
    bool stopped_ = false;
};

}  // namespace ocu::edge
