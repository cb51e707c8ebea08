// SPDX-License-Identifier: GPL-3.0-or-later
#include <unordered_map>

#include "appliance/profiles/edge.h"
#include "base/log.h"
#include "edge/denial_fold.h"
#include "edge/helpers.h"
#include "edge/lane.h"
#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

namespace {

class Server {
public:
    explicit Server(UniqueFd link)
        : link_(
              loop_, std::move(link), {proto::kEdgeToHelper, kQueueBytesMax}, [this](wire::Link::Frame frame) { serve(std::move(frame)); },
              [this](wire::Lost) { loop_.stop(); })
    {}
    void run() { loop_.run(); }

private:
    static constexpr std::size_t kQueueBytesMax = 4u << 20;
    static constexpr std::size_t kLanesMax = 256;
    static constexpr std::chrono::milliseconds kFoldTick{250};

    void serve(wire::Link::Frame frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::lane_open)) {
            if (auto const open = wire::decode<proto::LaneOpen>(frame.body)) return open_lane(open->session, std::move(frame.descriptors));
        } else if (auto const close = wire::decode<proto::LaneClose>(frame.body)) {
            return close_lane(close->session);
        }
        link_.violation();
    }

    void open_lane(SessionId session, std::vector<UniqueFd> descriptors)
    {
        if (lanes_.contains(session)) return link_.violation();
        Result<std::unique_ptr<Lane>> lane = fail(Fault::over_limit, "too many lanes");
        if (lanes_.size() < kLanesMax)
            lane = Lane::open(loop_, clock_, session, std::move(descriptors[0]), std::move(descriptors[1]), budget_,
                [this](proto::EgressDenied event) { denied(event); });
        if (lane) {
            lanes_.emplace(session, *std::move(lane));
            return;
        }
        log::failure("a lane could not be opened", lane.error());
        link_.send(proto::LaneClosed{session});
    }

    void close_lane(SessionId session)
    {
        lanes_.erase(session);
        tell(fold_.close(session));
        link_.send(proto::LaneClosed{session});
    }

    void denied(proto::EgressDenied const& event)
    {
        tell(fold_.add(event, clock_.now()));
        if (!tick_) tick_ = loop_.after(kFoldTick, [this] { tick(); });
    }

    void tick()
    {
        tick_.reset();
        tell(fold_.due(clock_.now()));
        if (!fold_.empty()) tick_ = loop_.after(kFoldTick, [this] { tick(); });
    }

    void tell(std::vector<proto::EgressDenied> const& events)
    {
        for (auto const& event : events) link_.send(event);
    }

    SystemClock clock_;
    wire::Loop loop_;
    wire::Link link_;
    DenialFold fold_;
    wire::Watch tick_;
    ConnectionBudget budget_;
    std::unordered_map<SessionId, std::unique_ptr<Lane>> lanes_;
};

}  // namespace

Result<void> edge_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::EdgeConfig>());
    if (config.policy != proto::EgressPolicy::deny_all) return fail(Fault::denied, "no other policy is known");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kEdge));
    OCU_CHECK(helper.confine(profiles::kEdge));
    Server(OCU_TRY(helper.report_ready())).run();
    return {};
}

}  // namespace ocu::edge
