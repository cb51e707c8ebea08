// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The role's thread between two mailboxes and a helper that the test plays.

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>

#include <algorithm>

#include "custody/custody.h"
#include "proto/custody_helper_to_custody.h"
#include "support/role_peer.h"

namespace test_custody_thread {

using namespace ocu;

// Answers at once; held, when the test says so; broken, with an error.
class HeldRecorder final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        if (broken) return done(fail(Fault::unavailable, "the disk is full"));
        if (held) return waiting.push_back(std::move(done));
        done(EventNumber{events.size()});
    }
    std::size_t count(proto::What what) const { return static_cast<std::size_t>(std::ranges::count(events, what, &proto::Event::what)); }
    std::vector<proto::Event> events;
    std::vector<Done> waiting;
    bool held = false;
    bool broken = false;
};

// Gives out links whose other ends it keeps: processes that ask secret sources.
class AskingSpawner final : public helper::Spawner {
public:
    struct Asked {
        helper::Kind kind;
        Slot slot;
        proto::SourceConfig config;
        std::vector<UniqueFd> descriptors;
        UniqueFd link;
    };
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes config, std::vector<UniqueFd> descriptors) override
    {
        if (broken) return fail(Fault::os, "no process can be made");
        auto pair = OCU_TRY(make_socket_pair());
        asked.push_back({kind, slot, OCU_TRY(wire::decode<proto::SourceConfig>(config)), std::move(descriptors), std::move(pair.theirs)});
        return helper::Spawned{{}, std::move(pair.ours)};
    }
    void report_violation(helper::Kind kind) override { violations.push_back(kind); }
    std::vector<Asked> asked;
    std::vector<helper::Kind> violations;
    bool broken = false;
};

struct CustodyTest {
    explicit CustodyTest(custody::Config config_in = {}) : config(std::move(config_in))
    {
        to_control.on_message([this](proto::CustodyToControl::Message message) {
            if (auto const* minted = std::get_if<proto::TokenMinted>(&message))
                tokens.push_back(*minted);
            else if (auto const* told = std::get_if<proto::LeasesTold>(&message))
                listed.push_back(*told);
            else
                shown.push_back(std::get<proto::ServiceCertificate>(message).fingerprint);
        });
        to_edge.on_message([this](proto::CustodyToEdge::Message message) {
            if (auto const* made = std::get_if<proto::LeaseMade>(&message))
                leases.push_back(*made);
            else if (auto const* dial = std::get_if<proto::SourceDialWanted>(&message))
                dials.push_back(*dial);
            else if (auto const* cancelled = std::get_if<proto::SourceDialCancelled>(&message))
                cancels.push_back(cancelled->request);
            else if (auto const* signed_ = std::get_if<proto::NoticeSigned>(&message))
                notices.push_back(*signed_);
            else
                ++times_up;
        });
        to_audit.on_message([this](proto::CustodyToAudit::Message message) {
            if (auto const* made = std::get_if<proto::SignatureMade>(&message))
                signatures.push_back(*made);
            else
                keys.push_back(std::get<proto::CustodyKeys>(message));
        });
    }
    ~CustodyTest() { loop.finish(); }
    static proto::CustodyReport report_of(std::string const& pem = {})
    {
        proto::CustodyReport report;
        report.checkpoint_public = {1};
        report.token_public = {2};
        report.certificate = wire::Text<crypto::kChainBytesMax>(pem);
        return report;
    }
    void helper_up(wire::Bytes report = wire::encode(report_of()))
    {
        core_in.send(proto::HelperUp{helper::Kind::custody, peer.connect(), std::move(report)});
        loop.settle();
    }

    static crypto::Certificate certificate()
    {
        return *crypto::issue_self_signed(
            *crypto::make_p256_key(), {"a", {}, {}}, std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000)), 1);
    }
    void helper_up_with(std::string const& pem) { helper_up(wire::encode(report_of(pem))); }
    // A front's end of the socket on which its identity comes.
    UniqueFd want_identity()
    {
        auto pair = make_socket_pair().value();
        identity_in.send(proto::IdentityWanted{std::move(pair.theirs), "gateway-front"});
        loop.settle();
        return std::move(pair.ours);
    }
    static bool closed(UniqueFd const& end)
    {
        char byte = 0;
        return ::recv(end.get(), &byte, 1, MSG_DONTWAIT) == 0;
    }

    custody::Config config;
    test::LoopThread loop;
    ManualClock clock;
    proto::CoreToRole core_in{loop};
    proto::ControlToCustody control_in{loop};
    proto::AuditToCustody audit_in{loop};
    proto::CoreToCustody identity_in{loop};
    proto::EdgeToCustody edge_in{loop};
    proto::StorageToCustody storage_in{loop};
    proto::CustodyToControl to_control{loop};
    proto::CustodyToAudit to_audit{loop};
    proto::CustodyToEdge to_edge{loop};
    HeldRecorder recorder;
    AskingSpawner spawner;
    test::HelperPeer peer;
    std::vector<proto::TokenMinted> tokens;
    std::vector<crypto::Digest> shown;
    std::vector<proto::SignatureMade> signatures;
    std::vector<proto::CustodyKeys> keys;
    std::vector<proto::NoticeSigned> notices;
    std::vector<proto::LeaseMade> leases;
    std::vector<proto::SourceDialWanted> dials;
    std::vector<RequestId> cancels;
    int times_up = 0;
    std::vector<proto::LeasesTold> listed;
    bool stopped = false;
    custody::Custody custody{loop, clock,
        {core_in, control_in, audit_in, identity_in, edge_in, storage_in, to_control, to_audit, to_edge, recorder, spawner,
            [this] { stopped = true; }},
        config};
};

}  // namespace test_custody_thread
