// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/custody.h"
#include "base/log.h"
#include "custody/checkpoint_note.h"
#include "custody/helpers.h"
#include "custody/session_token.h"
#include "custody/vault.h"
#include "proto/custody_helper_to_custody.h"

// The only process that ever holds a signing key. Files are read and closed before it is confined; after that it has one descriptor, the
// link, and answers two kinds of question.

namespace ocu::custody {

namespace {

class Server {
public:
    Server(Keys keys, UniqueFd link)
        : keys_(std::move(keys)), link_(
                                      loop_, std::move(link), {proto::kCustodyToHelper, kQueueBytesMax},
                                      [this](wire::Link::Frame frame) { serve(frame); }, [this](wire::Lost) { loop_.stop(); })
    {}
    void run() { loop_.run(); }

private:
    static constexpr std::size_t kQueueBytesMax = 1u << 20;

    void serve(wire::Link::Frame const& frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::sign_checkpoint)) {
            if (auto const ask = wire::decode<proto::SignCheckpoint>(frame.body)) return sign(*ask);
        } else if (auto const ask = wire::decode<proto::MintToken>(frame.body)) {
            return mint(*ask);
        }
        link_.violation();
    }

    void sign(proto::SignCheckpoint const& ask)
    {
        proto::CheckpointSigned answer;
        answer.request = ask.request;
        if (is_checkpoint_note(ask.note.view())) {
            if (auto const signature =
                    crypto::ed25519_sign(keys_.checkpoint_seed, keys_.checkpoint_public, crypto::as_bytes(ask.note.view()))) {
                answer.good = true;
                answer.signature = *signature;
            }
        } else {
            log::warning("asked to sign what is not a checkpoint");
        }
        link_.send(answer);
    }

    void mint(proto::MintToken const& ask)
    {
        proto::MintedToken answer;
        answer.request = ask.request;
        if (auto token =
                mint_session_token(keys_.token_seed, keys_.token_public, ask.session, ask.container.view(), ask.life, clock_.wall())) {
            answer.good = true;
            answer.token = *std::move(token);
        }
        link_.send(answer);
    }

    Keys keys_;
    SystemClock clock_;
    wire::Loop loop_;
    wire::Link link_;
};

Result<Keys> unlock(std::vector<UniqueFd>& descriptors)
{
    if (descriptors.size() != 2) return fail(Fault::malformed, "custody wants its vault and the machine key");
    auto const machine_key = OCU_TRY(read_machine_key(descriptors[1].get()));
    auto keys = load_or_create(descriptors[0].get(), machine_key);
    if (!keys) log::error("the vault does not open with this machine's key; it is left as it is, restore it or remove it by hand");
    descriptors.clear();
    return keys;
}

}  // namespace

Result<void> custody_main(helper::Helper& helper)
{
    (void)OCU_TRY(helper.receive_config<proto::CustodyConfig>());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kCustody));
    auto keys = OCU_TRY(unlock(helper.descriptors()));
    OCU_CHECK(helper.confine(profiles::kCustody));
    auto link = OCU_TRY(helper.report_ready(wire::encode(proto::CustodyReport{keys.checkpoint_public, keys.token_public})));
    Server(std::move(keys), std::move(link)).run();
    return {};
}

}  // namespace ocu::custody
