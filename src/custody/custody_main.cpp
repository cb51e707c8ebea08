// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/custody.h"
#include "base/log.h"
#include "custody/checkpoint_note.h"
#include "custody/credentials.h"
#include "custody/edge_channels.h"
#include "custody/helpers.h"
#include "custody/notice_mac.h"
#include "custody/scoped_token.h"
#include "custody/service_identity.h"
#include "custody/sink_channels.h"
#include "custody/source_channels.h"
#include "custody/limits.h"
#include "custody/session_token.h"
#include "custody/vault.h"
#include "helper/handed_secret.h"
#include "helper/identity.h"
#include "proto/custody_helper_to_custody.h"

// The only process that ever holds a signing key, and the one that opens what is sealed to this machine. Files are read, and written where
// something was missing, and closed before it is confined; after that it has the link, and a socket for each session that has an edge process.
// What the manifest brings, sealed keys and credentials and a certificate of the operator's, is opened and parsed after it.

namespace ocu::custody {

namespace {

// What the manifest wants to be lent and bumped.
struct Lendable {
    Credentials credentials;
    crypto::Authority authority;  // without a certificate where nothing is bumped
    wire::List<proto::ScopedRule, proto::kScopedRulesMax> scoped;
    std::uint32_t hot_days = 0;  // of the record
};

class Server {
public:
    Server(Keys keys, ServiceIdentity identity, Lendable lendable, std::vector<proto::SinkKeys> sinks, UniqueFd link)
        : keys_(std::move(keys)), identity_(std::move(identity)), lendable_(std::move(lendable)),
          shelf_{keys_.scoped_key, lendable_.authority, lendable_.credentials, leases_, fetched_, clock_}, channels_(loop_, shelf_),
          sources_(loop_, clock_, lendable_.credentials, fetched_, [this](proto::SourceHeld const& held) { told(held); }),
          sinks_(loop_, clock_, lendable_.credentials, std::move(sinks)),
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
        if (frame.type == static_cast<std::uint16_t>(proto::Type::hand_store_credential))
            return hand_store_credential(frame);
        bool good = false;
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::sign_checkpoint: good = answer<proto::SignCheckpoint>(frame, &Server::sign); break;
        case proto::Type::mint_token: good = answer<proto::MintToken>(frame, &Server::mint); break;
        case proto::Type::grant_lease: good = answer<proto::GrantLease>(frame, &Server::grant); break;
        case proto::Type::revoke_session: good = answer<proto::RevokeSession>(frame, &Server::revoke); break;
        case proto::Type::revoke_lease: good = answer<proto::RevokeLease>(frame, &Server::revoke_one); break;
        case proto::Type::open_source_channel:
            if (auto const ask = wire::decode<proto::OpenSourceChannel>(frame.body))
                return sources_.open(*ask, std::move(frame.descriptors.front()));
            break;
        case proto::Type::sign_notice: good = answer<proto::SignNotice>(frame, &Server::sign_notice); break;
        case proto::Type::open_sink_channel:
            if (auto const ask = wire::decode<proto::OpenSinkChannel>(frame.body)) return sinks_.open(ask->sink, std::move(frame.descriptors.front()));
            break;
        case proto::Type::open_edge_channel:
            if (auto const ask = wire::decode<proto::OpenEdgeChannel>(frame.body))
                return channels_.open(ask->session, std::move(frame.descriptors.front()));
            break;
        default: break;
        }
        if (!good) link_.violation();
    }

    template <class Ask>
    bool answer(wire::Link::Frame const& frame, void (Server::*with)(Ask const&))
    {
        auto const ask = wire::decode<Ask>(frame.body);
        if (ask) (this->*with)(*ask);
        return ask.has_value();
    }

    void hand(UniqueFd to)
    {
        if (identity_.key_pem.empty()) return;  // closed unwritten: the front knows
        if (auto const sent = helper::send_identity(to.get(), identity_.certificate_pem, identity_.key_pem); !sent)
            log::failure("the TLS identity did not reach a front", sent.error());
    }

    void hand_store_credential(wire::Link::Frame const& frame)
    {
        auto const ask = wire::decode<proto::HandStoreCredential>(frame.body);
        if (!ask) return link_.violation();
        auto const& credential = ask->cold ? lendable_.credentials.cold_credential() : lendable_.credentials.store_credential();
        if (credential.empty()) return;  // closed unwritten: whoever waits knows
        if (auto const sent = helper::send_secret(frame.descriptors.front().get(), credential); !sent)
            log::failure("the store's credential did not arrive", sent.error());
    }

    void sign(proto::SignCheckpoint const& ask)
    {
        proto::CheckpointSigned answer;
        answer.request = ask.request;
        if (is_note(ask.kind, ask.note.view(), lendable_.hot_days)) {
            if (auto const signature =
                    crypto::ed25519_sign(keys_.checkpoint_seed, keys_.checkpoint_public, crypto::as_bytes(ask.note.view()))) {
                answer.good = true;
                answer.signature = *signature;
            }
        } else {
            log::warning("asked to sign what is not a checkpoint, or lets records go that have to stay");
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
            for (auto const& each : lendable_.scoped.items())
                answer.scoped.push({each.environment, scoped_token(keys_.scoped_key, ask.session, each.rule.view())});
        }
        link_.send(answer);
    }

    // Once it has answered, the lease can be redeemed: so the thread tells the edge only then.
    void grant(proto::GrantLease const& ask)
    {
        Lease lease{ask.lease, ask.session, ask.rule.str(), ask.credential.str(), ask.destination.str(),
            Monotonic(std::chrono::duration_cast<Monotonic::duration>(ask.ends))};
        if (ask.fetched) lease.source = "source";
        auto const now = clock_.now();
        lease.ends = std::min(lease.ends, now + proto::kLeaseLifeMax);
        if (ask.fetched) fetched_.shorten(ask.lease, lease.ends);
        if (!leases_.add(std::move(lease), now)) log::warning("a lease that does not fit: the thread counts otherwise");
        link_.send(proto::LeaseHeld{ask.lease});
    }

    void sign_notice(proto::SignNotice const& ask)
    {
        auto const& key = lendable_.credentials.notice_key();
        proto::NoticeMac answer{ask.request, !key.empty(), {}};
        if (answer.good) answer.mac = notice_mac(key, ask.time_s, ask.body.view());
        link_.send(answer);
    }

    void revoke(proto::RevokeSession const& ask)
    {
        (void)leases_.revoke(ask.session, clock_.now());
        channels_.close(ask.session);
        sources_.close(ask.session);
        fetched_.drop(ask.session);
    }

    void revoke_one(proto::RevokeLease const& ask)
    {
        leases_.remove(ask.lease);
        sources_.close(ask.lease);
        fetched_.drop(ask.lease);
    }

    void told(proto::SourceHeld const& held)
    {
        link_.send(held);
        if (held.failure == proto::SourceFailure::none) keep_sweeping();
    }

    // Whatever else happens, an answer is wiped when it has ended, not when it is next asked for.
    void keep_sweeping()
    {
        if (sweep_) return;
        sweep_ = loop_.after(std::chrono::seconds(1), [this] {
            sweep_.reset();
            fetched_.sweep(clock_.now());
            if (fetched_.size() != 0) keep_sweeping();
        });
    }

    Keys keys_;
    ServiceIdentity identity_;
    Lendable lendable_;
    SystemClock clock_;
    LeaseTable leases_;
    FetchedSecrets fetched_;
    Shelf shelf_;
    wire::Loop loop_;
    EdgeChannels channels_;
    SourceChannels sources_;
    SinkChannels sinks_;
    wire::Watch sweep_;
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
    if (config.bumps) changed = OCU_TRY(renew_authority(keys, now)) || changed;
    if (changed) OCU_CHECK(store_vault(directory, machine_key, keys));
    descriptors.clear();
    return keys;
}

Result<Lendable> make_lendable(proto::CustodyConfig const& config, Keys const& keys, proto::CustodyReport& report)
{
    Lendable out;
    if (auto const fault = out.credentials.open(config, keys.appliance_seed)) {
        report.credential_fault = fault->why;
        report.credential = fault->index;
    }
    out.scoped = config.scoped;
    out.hot_days = config.hot_days;
    if (!config.bumps) return out;
    out.authority.key = OCU_TRY(Secret::copy_of(keys.authority_key.bytes()));
    out.authority.certificate_der = OCU_TRY(crypto::certificate_der(keys.authority.pem));
    report.bump_ca = wire::Text<proto::kAuthorityBytesMax>(keys.authority.pem);
    return out;
}

}  // namespace

Result<void> custody_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::CustodyConfig>());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kCustody));
    auto const now = std::chrono::floor<std::chrono::seconds>(SystemClock().wall());
    auto keys = OCU_TRY(unlock(config, helper.descriptors(), now));
    OCU_CHECK(helper.confine(profiles::kCustody));
    proto::CustodyReport report;
    report.checkpoint_public = keys.checkpoint_public;
    report.token_public = keys.token_public;
    report.appliance_public = keys.appliance_public;
    auto lendable = OCU_TRY(make_lendable(config, keys, report));
    auto identity = service_identity(config, keys, now);
    if (identity)
        report.certificate = wire::Text<crypto::kChainBytesMax>(identity->certificate_pem);
    else
        report.fault = identity.error();
    auto link = OCU_TRY(helper.report_ready(wire::encode(report)));
    Server(std::move(keys), identity ? *std::move(identity) : ServiceIdentity{}, std::move(lendable), config.sinks.items(), std::move(link)).run();
    return {};
}

}  // namespace ocu::custody
