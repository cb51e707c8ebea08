// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/custody.h"
#include "base/log.h"
#include "custody/checkpoint_note.h"
#include "custody/helpers.h"
#include "custody/service_identity.h"
#include "custody/session_token.h"
#include "custody/vault.h"
#include "helper/identity.h"
#include "proto/custody_helper_to_custody.h"

// The only process that ever holds a signing key, and the one that opens what is sealed to this machine. Files are read, and written where
// something was missing, and closed before it is confined; after that it has one descriptor, the link. What the manifest brings, a sealed
// key and a certificate of the operator's, is opened and parsed after it.

namespace ocu::custody {

namespace {

class Server {
public:
    Server(Keys keys, ServiceIdentity identity, UniqueFd link)
        : keys_(std::move(keys)), identity_(std::move(identity)),
          link_(
              loop_, std::move(link), {proto::kCustodyToHelper, kQueueBytesMax}, [this](wire::Link::Frame frame) { serve(frame); },
              [this](wire::Lost) { loop_.stop(); })
    {}
    void run() { loop_.run(); }

private:
    static constexpr std::size_t kQueueBytesMax = 1u << 20;

    void serve(wire::Link::Frame& frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::hand_identity)) return hand(std::move(frame.descriptors.front()));
        if (frame.type == static_cast<std::uint16_t>(proto::Type::sign_checkpoint)) {
            if (auto const ask = wire::decode<proto::SignCheckpoint>(frame.body)) return sign(*ask);
        } else if (auto const ask = wire::decode<proto::MintToken>(frame.body)) {
            return mint(*ask);
        }
        link_.violation();
    }

    void hand(UniqueFd to)
    {
        if (identity_.key_pem.empty()) return;  // closed unwritten: the front knows
        if (auto const sent = helper::send_identity(to.get(), identity_.certificate_pem, identity_.key_pem); !sent)
            log::failure("the TLS identity did not reach a front", sent.error());
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
    ServiceIdentity identity_;
    SystemClock clock_;
    wire::Loop loop_;
    wire::Link link_;
};

Result<Keys> unlock(proto::CustodyConfig const& config, std::vector<UniqueFd>& descriptors, std::chrono::sys_seconds now)
{
    if (descriptors.size() != 2) return fail(Fault::malformed, "custody wants the directory of its vault and the machine key");
    int const directory = descriptors[0].get();
    auto const machine_key = OCU_TRY(read_machine_key(descriptors[1].get()));
    auto found = load_vault(directory, machine_key);
    if (!found) {
        log::error("the vault does not open with this machine's key; it is left as it is, restore it or remove it by hand");
        return std::unexpected(found.error());
    }
    bool changed = !found->has_value();
    Keys keys = changed ? OCU_TRY(make_keys()) : std::move(**found);
    changed = OCU_TRY(complete(keys)) || changed;
    if (config.serve == proto::ServeTls::own) changed = OCU_TRY(renew_certificate(keys, certificate_names(config), now)) || changed;
    if (changed) OCU_CHECK(store_vault(directory, machine_key, keys));
    descriptors.clear();
    return keys;
}

}  // namespace

Result<void> custody_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::CustodyConfig>());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kCustody));
    auto const now = std::chrono::floor<std::chrono::seconds>(SystemClock().wall());
    auto keys = OCU_TRY(unlock(config, helper.descriptors(), now));
    OCU_CHECK(helper.confine(profiles::kCustody));
    proto::CustodyReport report{keys.checkpoint_public, keys.token_public, keys.appliance_public, {}, {}};
    auto identity = service_identity(config, keys, now);
    if (identity)
        report.certificate = wire::Text<crypto::kChainBytesMax>(identity->certificate_pem);
    else
        report.fault = identity.error();
    auto link = OCU_TRY(helper.report_ready(wire::encode(report)));
    Server(std::move(keys), identity ? *std::move(identity) : ServiceIdentity{}, std::move(link)).run();
    return {};
}

}  // namespace ocu::custody
