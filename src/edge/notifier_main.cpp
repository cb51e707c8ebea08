// SPDX-License-Identifier: GPL-3.0-or-later
#include <map>

#include "appliance/profiles/notifier.h"
#include "base/log.h"
#include "edge/helpers.h"
#include "edge/limits.h"
#include "edge/mapped_roots.h"
#include "edge/sockets.h"
#include "proto/edge_to_notifier.h"
#include "wire/http_post.h"

namespace ocu::edge {

namespace {

constexpr std::size_t kPostsMax = 4;  // the thread has one under way at a time

proto::PostEnding ending_of(wire::PostFailure failure)
{
    switch (failure) {
    case wire::PostFailure::none: return proto::PostEnding::answered;
    case wire::PostFailure::tls: return proto::PostEnding::tls;
    case wire::PostFailure::closed: return proto::PostEnding::closed;
    case wire::PostFailure::grammar: return proto::PostEnding::grammar;
    case wire::PostFailure::too_large: return proto::PostEnding::too_large;
    case wire::PostFailure::timed_out: return proto::PostEnding::timed_out;
    }
    OCU_ASSERT(false);
}

class Server {
public:
    Server(UniqueFd link, proto::NotifierConfig config, std::string_view roots)
        : config_(std::move(config)), roots_(roots),
          link_(
              loop_, std::move(link), {proto::kEdgeToNotifier, 1u << 16}, [this](wire::Link::Frame frame) { serve(frame); },
              [this](wire::Lost) { loop_.stop(); })
    {}
    void run() { loop_.run(); }

private:
    void serve(wire::Link::Frame& frame)
    {
        auto const asked = wire::decode<proto::PostNotice>(frame.body);
        if (!asked || config_.name.empty() || posts_.size() >= kPostsMax || posts_.contains(asked->request.value)) return link_.violation();
        auto stream = stream_on(std::move(frame.descriptors[0]));
        if (!stream) {
            log::failure("a notice cannot be posted", stream.error());
            return link_.send(proto::NoticePosted{asked->request, proto::PostEnding::tls, 0, "unavailable"});
        }
        auto const* const tls = config_.tls ? static_cast<wire::TlsStream const*>(stream->get()) : nullptr;
        auto const number = asked->request.value;
        posts_.emplace(number, std::make_unique<wire::HttpPost>(loop_, *std::move(stream), tls, bytes_of(*asked),
                                   [this, number](wire::PostOutcome outcome) { done(number, outcome); }));
    }

    // The roots are loaded for each: which of them are valid changes while this process lives.
    Result<std::unique_ptr<wire::Transport>> stream_on(UniqueFd socket)
    {
        OCU_CHECK(make_non_blocking(socket.get()));
        auto plain = wire::plain_transport(loop_, std::move(socket));
        if (!config_.tls) return plain;
        auto const rules = OCU_TRY(wire::TlsToUpstream::make(roots_));
        return OCU_TRY(rules->connect(loop_, std::move(plain), config_.name.str()));
    }

    std::string bytes_of(proto::PostNotice const& asked) const
    {
        wire::PostRequest request{config_.authority.str(), config_.target.str(), {}, asked.body.str()};
        request.headers = {{"User-Agent", "ocu-appliance"}, {"Content-Type", "application/json"}, {"Ocu-Notice-Id", asked.id.str()},
            {"Ocu-Signature", asked.signature.str()}};
        return wire::post_bytes(request);
    }

    void done(std::uint64_t number, wire::PostOutcome outcome)
    {
        proto::NoticePosted posted{RequestId{number}, ending_of(outcome.failure), static_cast<std::uint16_t>(outcome.status), {}};
        if (outcome.failure == wire::PostFailure::tls) posted.word = wire::Text<16>(wire::name_of(outcome.refusal));
        link_.send(posted);
        loop_.post([this, number] { posts_.erase(number); });
    }

    wire::Loop loop_;
    proto::NotifierConfig config_;
    std::string_view roots_;
    wire::Link link_;
    std::map<std::uint64_t, std::unique_ptr<wire::HttpPost>> posts_;
};

}  // namespace

Result<void> notifier_main(helper::Helper& helper)
{
    auto config = OCU_TRY(helper.receive_config<proto::NotifierConfig>());
    auto& given = helper.descriptors();
    if (given.size() != 1) return fail(Fault::malformed, "notifier wants the roots");
    auto const roots = OCU_TRY(map_roots(given[0].get()));
    given.clear();
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kNotifier));
    OCU_CHECK(helper.confine(profiles::kNotifier));
    Server server(OCU_TRY(helper.report_ready()), std::move(config), roots);
    server.run();
    return {};
}

}  // namespace ocu::edge
