// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_remote.h"
#include "base/log.h"
#include "wire/http_post.h"

namespace ocu::audit {

using proto::SinkHealth;

Result<std::unique_ptr<wire::TlsStream>> SinkPeer::connect(wire::Loop& loop, UniqueFd socket) const
{
    // The roots are loaded for each: which of them are valid changes while this process lives.
    auto const rules = OCU_TRY(wire::TlsToUpstream::make(roots_pem));
    auto plain = wire::plain_transport(loop, std::move(socket));
    if (config.shows_certificate) return rules->connect_as(loop, std::move(plain), config.host.str(), custody->identity());
    return rules->connect(loop, std::move(plain), config.host.str());
}

namespace {

constexpr unsigned kRequestTimeout = 408, kTooManyRequests = 429;

// A receiver that cannot now is asked again soon; one that does not want it, later (docs/formats/audit-sinks.md).
SinkHealth health_of(unsigned status)
{
    if (status >= 200 && status < 300) return SinkHealth::delivering;
    return status >= 500 || status == kTooManyRequests || status == kRequestTimeout ? SinkHealth::failing : SinkHealth::refused;
}

SinkOutcome outcome_of(wire::PostOutcome const& post)
{
    switch (post.failure) {
    case wire::PostFailure::none: return {health_of(post.status), "answered", static_cast<std::uint16_t>(post.status)};
    case wire::PostFailure::tls: return {SinkHealth::failing, "tls:" + std::string(wire::name_of(post.refusal))};
    case wire::PostFailure::closed: return {SinkHealth::failing, "closed"};
    case wire::PostFailure::grammar: return {SinkHealth::failing, "grammar"};
    case wire::PostFailure::too_large: return {SinkHealth::failing, "too_large"};
    case wire::PostFailure::timed_out: return {SinkHealth::failing, "timed_out"};
    }
    OCU_ASSERT(false);
}

class HttpsCarrier final : public SinkCarrier {
public:
    HttpsCarrier(wire::Loop& loop, SinkPeer peer) : loop_(loop), peer_(peer) {}

    bool wants_socket() const override { return true; }
    void when_lost(std::function<void()>) override {}
    void carry(SinkBatch const& batch, UniqueFd socket, Done done) override
    {
        auto stream = peer_.connect(loop_, std::move(socket));
        if (!stream) {
            log::failure("a sink cannot be spoken with", stream.error());
            return loop_.post([done = std::move(done)] { done({SinkHealth::failing, "tls:unavailable"}); });
        }
        auto const* const tls = stream->get();
        post_ = std::make_unique<wire::HttpPost>(
            loop_, *std::move(stream), tls, request_of(batch), [this, done = std::move(done)](wire::PostOutcome post) {
                loop_.post([this, done, post] {
                    post_.reset();
                    done(outcome_of(post));
                });
            });
    }

private:
    std::string request_of(SinkBatch const& batch) const
    {
        auto const& config = peer_.config;
        bool const splunk = config.shape == proto::SinkShape::splunk_hec;
        wire::PostRequest request{config.authority.str(), config.target.str(), {}, batch.bytes};
        request.headers = {{"User-Agent", "ocu-appliance"}, {"Content-Type", splunk ? "application/json" : "application/x-ndjson"},
            {"Ocu-First-Number", std::to_string(batch.before + 1)}, {"Ocu-Count", std::to_string(batch.count)}};
        if (peer_.custody != nullptr && !peer_.custody->token().empty())
            request.headers.push_back({"Authorization", (splunk ? "Splunk " : "Bearer ") + peer_.custody->token()});
        return wire::post_bytes(request);
    }

    wire::Loop& loop_;
    SinkPeer peer_;
    std::unique_ptr<wire::HttpPost> post_;
};

}  // namespace

std::unique_ptr<SinkCarrier> https_carrier(wire::Loop& loop, SinkPeer peer) { return std::make_unique<HttpsCarrier>(loop, peer); }

}  // namespace ocu::audit
