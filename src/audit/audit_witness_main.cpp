// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/profiles/audit_witness.h"
#include "audit/head_proof.h"
#include "audit/helpers.h"
#include "audit/layout.h"
#include "audit/read_given.h"
#include "audit/sink_custody.h"
#include "audit/witness_face.h"
#include "base/log.h"
#include "helper/helper.h"
#include "wire/http_post.h"

namespace ocu::audit {

namespace {

using proto::HeadAnswer;

constexpr std::size_t kQueueBytesMax = 64u << 10;

struct Given {
    std::string roots;
    UniqueFd custody;  // none: it shows no certificate
};

proto::HeadOutcome outcome_of(HeadAnswer answer, std::string_view word = {}, unsigned status = 0)
{
    proto::HeadOutcome out;
    out.answer = answer;
    out.word = wire::Text<32>::cut(word);
    out.status = static_cast<std::uint16_t>(status);
    return out;
}

class Server {
public:
    Server(UniqueFd link, proto::WitnessConfig config, Note sent, VerifierKey key, Given given)
        : config_(std::move(config)), sent_(std::move(sent)), key_(std::move(key)), given_(std::move(given)),
          custody_(given_.custody ? std::make_unique<SinkCustody>(loop_, std::move(given_.custody), [this] { loop_.stop(); },
                                        [this] { begin_if_ready(); })
                                  : nullptr),
          link_(
              loop_, std::move(link), {proto::kAuditToWitness, kQueueBytesMax}, [this](wire::Link::Frame frame) { serve(frame); },
              [this](wire::Lost) { loop_.stop(); })
    {}
    void run() { loop_.run(); }

private:
    void serve(wire::Link::Frame& frame)
    {
        if (socket_ || begun_) return link_.violation();
        if (frame.type == static_cast<std::uint16_t>(proto::Type::head_socket)) {
            socket_ = std::move(frame.descriptors.front());
            return begin_if_ready();
        }
        if (tiles_.size() == kProofTilesMax) return link_.violation();
        tiles_.push_back(std::move(frame.descriptors.front()));
    }

    void begin_if_ready()
    {
        if (!socket_ || (custody_ && !custody_->ready()) || std::exchange(begun_, true)) return;
        auto const proof = prove();
        if (!proof) {
            log::failure("a head is not proved", proof.error());
            return say(outcome_of(HeadAnswer::no_proof));
        }
        if (auto const connected = connect(*proof); !connected) {
            log::failure("a witness cannot be spoken with", connected.error());
            say(outcome_of(HeadAnswer::tls, "unavailable"));
        }
    }

    Result<std::vector<Digest>> prove()
    {
        auto const places = OCU_TRY(tiles_of_proof(config_.old_size, sent_.checkpoint.size));
        if (places.size() != tiles_.size()) return fail(Fault::malformed, "tiles for another proof");
        std::vector<std::vector<Digest>> hashes;
        for (std::size_t i = 0; i < places.size(); ++i) {
            auto const bytes = OCU_TRY(read_front(tiles_[i].get(), places[i].width * sizeof(Digest)));
            hashes.push_back(OCU_TRY(parse_tile(bytes, places[i].width)));
        }
        return proof_of(config_.old_size, sent_.checkpoint, hashes);
    }

    Result<void> connect(std::vector<Digest> const& proof)
    {
        auto const rules = OCU_TRY(wire::TlsToUpstream::make(given_.roots));
        auto plain = wire::plain_transport(loop_, std::move(socket_));
        auto stream = config_.shows_certificate
                          ? OCU_TRY(rules->connect_as(loop_, std::move(plain), config_.host.str(), custody_->identity()))
                          : OCU_TRY(rules->connect(loop_, std::move(plain), config_.host.str()));
        auto const* const tls = stream.get();
        wire::PostRequest request{config_.authority.str(), config_.target.str(), {}, add_checkpoint(config_.old_size, proof, config_.note.view())};
        request.headers = {{"User-Agent", "ocu-appliance"}, {"Content-Type", "text/plain; charset=utf-8"}};
        post_ = std::make_unique<wire::HttpPost>(
            loop_, std::move(stream), tls, wire::post_bytes(request), [this](wire::PostOutcome post) { answered(post); }, kWitnessAnswerBytesMax);
        return {};
    }

    void answered(wire::PostOutcome const& post)
    {
        switch (post.failure) {
        case wire::PostFailure::none: return say(read_witness_answer(post.status, post.body, config_.note.view(), key_));
        case wire::PostFailure::tls: return say(outcome_of(HeadAnswer::tls, wire::name_of(post.refusal)));
        case wire::PostFailure::closed: return say(outcome_of(HeadAnswer::closed, {}, post.status));
        case wire::PostFailure::grammar: return say(outcome_of(HeadAnswer::grammar, {}, post.status));
        case wire::PostFailure::too_large: return say(outcome_of(HeadAnswer::too_large, {}, post.status));
        case wire::PostFailure::timed_out: return say(outcome_of(HeadAnswer::timed_out, {}, post.status));
        }
    }

    // The one word. The thread closes the link then.
    void say(proto::HeadOutcome const& outcome) { link_.send(outcome); }

    wire::Loop loop_;
    proto::WitnessConfig config_;
    Note sent_;
    VerifierKey key_;
    Given given_;
    std::vector<UniqueFd> tiles_;
    UniqueFd socket_;
    bool begun_ = false;
    std::unique_ptr<SinkCustody> custody_;
    std::unique_ptr<wire::HttpPost> post_;
    wire::Link link_;
};

// The shared empty namespace stands before what is its own.
Result<Given> take_given(proto::WitnessConfig const& config, std::vector<UniqueFd>& descriptors)
{
    if (descriptors.size() != (config.shows_certificate ? 3u : 2u)) return fail(Fault::malformed, "a witness's process wants roots");
    Given out;
    out.roots = OCU_TRY(read_given(descriptors[1].get(), kRootsBytesMax));
    if (config.shows_certificate) out.custody = std::move(descriptors[2]);
    return out;
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper audit-witness`. One head, one answer, the end (T-40).
Result<void> audit_witness_main(helper::Helper& helper)
{
    auto config = OCU_TRY(helper.receive_config<proto::WitnessConfig>());
    auto given = OCU_TRY(take_given(config, helper.descriptors()));
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kAuditWitness));
    OCU_CHECK(helper.confine(profiles::kAuditWitness));
    helper.descriptors().clear();
    auto sent = OCU_TRY(parse_note(config.note.view()));
    auto key = OCU_TRY(parse_key(config.key.view(), KeyKind::witness));
    Server server(OCU_TRY(helper.report_ready()), std::move(config), std::move(sent), std::move(key), std::move(given));
    server.run();
    return {};
}

}  // namespace ocu::audit
