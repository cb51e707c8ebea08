// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which roles exist and who may say what to whom. Each arrow is one mailbox type with a closed set of messages; what is asserted below
// is what SECURITY.md promises, and the compiler keeps it. Arrows to helper processes are the permit tables of src/proto.

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "proto/ask_custody.h"
#include "proto/ask_edge.h"
#include "proto/audit_to_control.h"
#include "proto/audit_to_edge.h"
#include "proto/audit_to_sink.h"
#include "proto/control_to_all.h"
#include "proto/control_to_sandbox.h"
#include "proto/core_to_role.h"
#include "proto/broker_to_storage.h"
#include "proto/edge_helper_to_custody_helper.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/edge_to_custody.h"
#include "proto/edge_to_notifier.h"
#include "proto/exec_to_guest.h"
#include "proto/files_front_to_storage.h"
#include "proto/gateway_front_to_gateway.h"
#include "proto/gateway_to_control.h"
#include "proto/gateway_to_sandbox.h"
#include "proto/gateway_to_storage.h"
#include "proto/parser_to_broker.h"
#include "proto/parser_to_storage.h"
#include "proto/sandbox_to_edge.h"
#include "proto/sandbox_to_exec.h"
#include "proto/sandbox_to_storage.h"
#include "proto/sink_helper_to_custody_helper.h"
#include "proto/source_helper_to_custody_helper.h"
#include "proto/broker_to_storage_lane.h"
#include "proto/storage_lane_to_edge.h"
#include "proto/storage_to_control.h"
#include "proto/storage_to_custody.h"
#include "proto/storage_to_edge.h"
#include "proto/sweeper_to_storage.h"
#include "proto/files_front_to_broker.h"
#include "proto/withheld.h"

namespace ocu::appliance {

enum class Role : std::size_t { gateway, control, custody, storage, sandbox, edge, audit };
inline constexpr std::size_t kRoles = 7;

constexpr std::string_view thread_name(Role role)
{
    constexpr std::string_view kNames[] = {
        "ocu:gateway", "ocu:control", "ocu:custody", "ocu:storage", "ocu:sandbox", "ocu:edge", "ocu:audit"};
    return kNames[static_cast<std::size_t>(role)];
}

// Every arrow between role threads. Left: who may speak on it. The loop given is the hearer's.
struct Arrows {
    explicit Arrows(std::array<wire::Loop, kRoles>& loops)
        : gateway_to_control(loops[1]), control_to_gateway(loops[0]), gateway_to_sandbox(loops[4]), sandbox_to_gateway(loops[0]),
          gateway_to_storage(loops[3]), storage_to_gateway(loops[0]), control_to_sandbox(loops[4]), sandbox_to_control(loops[1]),
          sandbox_to_storage(loops[3]), storage_to_sandbox(loops[4]), sandbox_to_edge(loops[5]), control_to_edge(loops[5]),
          control_to_storage(loops[3]), storage_to_control(loops[1]), control_to_custody(loops[2]), custody_to_control(loops[1]),
          identity_to_custody(loops[2]), edge_to_custody(loops[2]), custody_to_edge(loops[5]), edge_to_control(loops[1]),
          storage_to_edge(loops[5]), edge_to_storage(loops[3]), storage_to_custody(loops[2]), audit_to_custody(loops[2]),
          custody_to_audit(loops[6]), audit_to_edge(loops[5]), edge_to_audit(loops[6]), audit_to_control(loops[1]), core_to_gateway(loops[0]), core_to_control(loops[1]), core_to_custody(loops[2]),
          core_to_storage(loops[3]), core_to_sandbox(loops[4]), core_to_edge(loops[5]), core_to_audit(loops[6])
    {}

    proto::GatewayToControl gateway_to_control;      // F5
    proto::ControlToGateway control_to_gateway;
    proto::GatewayToSandbox gateway_to_sandbox;      // tool calls
    proto::SandboxToGateway sandbox_to_gateway;
    proto::GatewayToStorage gateway_to_storage;      // look inside this
    proto::StorageToGateway storage_to_gateway;
    proto::ControlToSandbox control_to_sandbox;      // lifecycle, kill
    proto::SandboxToControl sandbox_to_control;
    proto::SandboxToStorage sandbox_to_storage;      // F7
    proto::StorageToSandbox storage_to_sandbox;
    proto::SandboxToEdge sandbox_to_edge;            // F8
    proto::ControlToEdge control_to_edge;            // sever; what would happen to a connection
    proto::ControlToStorage control_to_storage;      // sever; whose session that is
    proto::StorageToControl storage_to_control;      // whose session is it (F11)
    proto::ControlToCustody control_to_custody;      // session tokens
    proto::CustodyToControl custody_to_control;
    proto::CoreToCustody identity_to_custody;        // the TLS identity, for a front that starts
    proto::EdgeToCustody edge_to_custody;            // what a session may redeem
    proto::CustodyToEdge custody_to_edge;
    proto::EdgeToControl edge_to_control;            // what would happen to it
    proto::StorageToEdge storage_to_edge;            // F9: a way to the store, for one session's process; what may not leave a session
    proto::EdgeToStorage edge_to_storage;            // it is there again
    proto::StorageToCustody storage_to_custody;      // the store's credential, for the same process
    proto::AuditToCustody audit_to_custody;          // checkpoint signatures
    proto::CustodyToAudit custody_to_audit;
    proto::AuditToEdge audit_to_edge;                // a connection to a sink, by its number (F10)
    proto::EdgeToAudit edge_to_audit;
    proto::AuditToControl audit_to_control;          // how far each sink is
    proto::CoreToRole core_to_gateway, core_to_control, core_to_custody, core_to_storage, core_to_sandbox, core_to_edge, core_to_audit;
};

template <class Arrow, class... Messages>
inline constexpr bool kCannotSay = (!Arrow::template kAccepts<Messages> && ...);

// Invariant 1, T-03: nothing on the agent's path can end a session, sever one, or change what is allowed.
static_assert(kCannotSay<proto::GatewayToControl, proto::SessionCreate, proto::SessionEnd, proto::SessionSever, proto::StopRole>);
static_assert(kCannotSay<proto::GatewayToSandbox, proto::SessionCreate, proto::SessionEnd, proto::SessionSever, proto::StopRole>);
static_assert(
    kCannotSay<proto::GatewayToStorage, proto::SessionEnd, proto::SessionSever, proto::MountAttach, proto::MountDetach, proto::StopRole>);
// F11 is the callers' path too: what storage says to control on their behalf is that one question.
static_assert(kCannotSay<proto::StorageToControl, proto::SessionCreate, proto::SessionEnd, proto::SessionSever, proto::StopRole,
    proto::ExplainWanted, proto::TokenWanted, proto::LeaseWanted>);
static_assert(kCannotSay<proto::SandboxToControl, proto::SessionCreate, proto::SessionEnd, proto::SessionSever>);
static_assert(kCannotSay<proto::EdgeToControl, proto::SessionCreate, proto::SessionEnd, proto::SessionSever, proto::StopRole>);
// Who is let in is control's word alone: the agent's side is told, and can say nothing of it (T-46).
static_assert(kCannotSay<proto::GatewayToControl, proto::CallersInForce> && kCannotSay<proto::GatewayToStorage, proto::CallersInForce>);
static_assert(kCannotSay<proto::StorageToControl, proto::CallersInForce> && kCannotSay<proto::StorageToGateway, proto::CallersInForce>);
// Only an operator has rules explained: the agent's and the guest's side learn no rule but by trying (T-05).
static_assert(kCannotSay<proto::GatewayToControl, proto::ExplainWanted> && kCannotSay<proto::SandboxToEdge, proto::ExplainWanted>);
// T-12: neither the agent's path nor the guest's can ask custody for anything; control cannot have a checkpoint signed, audit no token.
static_assert(kCannotSay<proto::GatewayToControl, proto::TokenWanted, proto::SignatureWanted>);
static_assert(kCannotSay<proto::GatewayToSandbox, proto::TokenWanted, proto::SignatureWanted>);
static_assert(kCannotSay<proto::SandboxToEdge, proto::TokenWanted, proto::SignatureWanted>);
static_assert(kCannotSay<proto::ControlToCustody, proto::SignatureWanted, proto::IdentityWanted>);
static_assert(kCannotSay<proto::AuditToCustody, proto::TokenWanted, proto::IdentityWanted>);
static_assert(kCannotSay<proto::CoreToCustody, proto::TokenWanted, proto::SignatureWanted>);
static_assert(kCannotSay<proto::GatewayToControl, proto::IdentityWanted> && kCannotSay<proto::GatewayToStorage, proto::IdentityWanted>);
// The edge borrows; it cannot have a token minted or anything signed. Nobody else can borrow.
static_assert(kCannotSay<proto::EdgeToCustody, proto::TokenWanted, proto::SignatureWanted, proto::IdentityWanted>);
static_assert(kCannotSay<proto::ControlToCustody, proto::LeaseWanted, proto::EdgeChannel>);
static_assert(kCannotSay<proto::SandboxToEdge, proto::LeaseWanted, proto::EdgeChannel>);
static_assert(kCannotSay<proto::GatewayToControl, proto::LeaseWanted, proto::EdgeChannel, proto::LeasesWanted>);
static_assert(kCannotSay<proto::GatewayToSandbox, proto::LeaseWanted, proto::EdgeChannel, proto::LeasesWanted>);
static_assert(kCannotSay<proto::GatewayToStorage, proto::LeaseWanted, proto::EdgeChannel, proto::LeasesWanted>);
static_assert(kCannotSay<proto::SandboxToControl, proto::LeaseWanted, proto::EdgeChannel, proto::LeasesWanted>);
static_assert(kCannotSay<proto::SandboxToStorage, proto::LeaseWanted, proto::EdgeChannel>);
static_assert(kCannotSay<proto::AuditToCustody, proto::LeaseWanted, proto::EdgeChannel, proto::SessionSever>);
// The webhook's signature is the edge's to ask for and nobody else's, and on no link of a guest's is there a word for it (T-12).
static_assert(kCannotSay<proto::ControlToCustody, proto::NoticeSignWanted> && kCannotSay<proto::AuditToCustody, proto::NoticeSignWanted> &&
              kCannotSay<proto::GatewayToControl, proto::NoticeSignWanted> && kCannotSay<proto::SandboxToEdge, proto::NoticeSignWanted>);
// CU-2: whoever cuts a session off cuts it off from custody too.
static_assert(proto::ControlToCustody::kAccepts<proto::SessionSever>);
// The same for the links to helper processes: everything that the agent's or the guest's side may put on a link.
inline constexpr std::array<std::span<wire::Permit const>, 13> kAgentPathPermits{proto::kParserMayAskBroker, proto::kFrontMaySendFiles, proto::kGatewayFrontMaySay,
    proto::kSandboxMaySendExec, proto::kExecMaySend, proto::kGuestMaySend, proto::kBrokerMaySend, proto::kParserMaySend,
    proto::kFilesFrontMaySend, proto::kHelperToEdge, proto::kBrokerMaySendLane, proto::kSuppliedMaySend, proto::kSweeperMaySend};

constexpr bool is_privileged_word(std::uint16_t type)
{
    auto const in_block = [type](proto::Type first) {
        auto const begin = static_cast<std::uint16_t>(first);
        return type >= begin && type < begin + 32;  // proto/type.h: blocks of 32
    };
    return in_block(proto::Type::operator_connection) || in_block(proto::Type::launcher_prepare) ||
           in_block(proto::Type::sign_checkpoint) || in_block(proto::Type::dial) || in_block(proto::Type::post_notice) ||
           in_block(proto::Type::storage_lane_stats);
}

consteval bool agent_path_is_clean()
{
    for (auto const& permits : kAgentPathPermits)
        for (auto const& permit : permits)
            if (is_privileged_word(permit.type)) return false;
    return true;
}
// A session's edge process is on the guest's path, and has a channel to the process that holds the keys: three questions fit into it, all
// about its own session, and no other word of custody's (T-12, CU-4). The third has a client's certificate proved: what is signed is built in
// custody, and is good for a TLS 1.3 client's handshake alone.
static_assert(proto::kEdgeMaySendCustody.size() == 3 &&
              proto::kEdgeMaySendCustody[0].type == static_cast<std::uint16_t>(proto::Type::leaf_wanted) &&
              proto::kEdgeMaySendCustody[1].type == static_cast<std::uint16_t>(proto::Type::redeem) &&
              proto::kEdgeMaySendCustody[2].type == static_cast<std::uint16_t>(proto::Type::client_proof_wanted) &&
              proto::kEdgeMaySendCustody[0].descriptors == 0 && proto::kEdgeMaySendCustody[1].descriptors == 0 &&
              proto::kEdgeMaySendCustody[2].descriptors == 0);
static_assert(!is_privileged_word(static_cast<std::uint16_t>(proto::Type::leaf_wanted)) &&
              !is_privileged_word(static_cast<std::uint16_t>(proto::Type::redeem)) &&
              !is_privileged_word(static_cast<std::uint16_t>(proto::Type::client_proof_wanted)));
// The process that has read a source's answer has two words to custody: an answer to its one question, and one handshake to be signed (T-26).
static_assert(proto::kSourceMaySendCustody.size() == 2 &&
              proto::kSourceMaySendCustody[0].type == static_cast<std::uint16_t>(proto::Type::source_proof_wanted) &&
              proto::kSourceMaySendCustody[1].type == static_cast<std::uint16_t>(proto::Type::source_answered) &&
              proto::kSourceMaySendCustody[0].descriptors == 0 && proto::kSourceMaySendCustody[1].descriptors == 0);
// T-31: a way to the store, and the credential that opens it, are the storage thread's to ask for; nobody on the agent's or the guest's path can, and
// storage can ask custody for nothing else.
static_assert(kCannotSay<proto::GatewayToStorage, proto::StoreLaneWanted, proto::StoreCredentialWanted> &&
              kCannotSay<proto::GatewayToControl, proto::StoreLaneWanted, proto::StoreCredentialWanted> &&
              kCannotSay<proto::SandboxToStorage, proto::StoreLaneWanted, proto::StoreCredentialWanted> &&
              kCannotSay<proto::SandboxToEdge, proto::StoreLaneWanted, proto::StoreLaneOver> &&
              kCannotSay<proto::StorageToControl, proto::StoreLaneWanted, proto::StoreCredentialWanted> &&
              kCannotSay<proto::EdgeToCustody, proto::StoreCredentialWanted>);
static_assert(kCannotSay<proto::StorageToCustody, proto::TokenWanted, proto::SignatureWanted, proto::IdentityWanted, proto::LeaseWanted,
    proto::EdgeChannel, proto::NoticeSignWanted, proto::LeasesWanted>);
static_assert(kCannotSay<proto::StorageToEdge, proto::LaneAttach, proto::ExplainWanted, proto::SessionSever>);
// A broker's words to the lane are one, without a descriptor and without a word for a place; the lane's to its thread are reports.
static_assert(
    proto::kBrokerMaySendLane.size() == 1 && proto::kBrokerMaySendLane[0].type == static_cast<std::uint16_t>(proto::Type::lane_connect) &&
    proto::kBrokerMaySendLane[0].descriptors == 0 && proto::kBrokerMaySendLane[0].body_bytes_max == 8 && proto::kSuppliedMaySend.empty());
static_assert(proto::kStorageLaneToEdge.size() == 2 &&
              proto::kStorageLaneToEdge[0].type == static_cast<std::uint16_t>(proto::Type::lane_connection) &&
              proto::kStorageLaneToEdge[1].type == static_cast<std::uint16_t>(proto::Type::lane_gone) &&
              proto::kStorageLaneToEdge[0].descriptors == 0 && proto::kStorageLaneToEdge[1].descriptors == 0);
static_assert(agent_path_is_clean(), "T-03, T-05, T-12: the agent's path has no operator's, launcher's, custody's or dialler's word");

// T-33: what may not leave is said by storage alone, which holds the files.
static_assert(kCannotSay<proto::SandboxToEdge, proto::SessionWithholds>);

// The process of a sink has one question for custody: a handshake to be signed (T-36).
static_assert(proto::kSinkMaySendCustody.size() == 1 &&
              proto::kSinkMaySendCustody[0].type == static_cast<std::uint16_t>(proto::Type::sink_proof_wanted) &&
              proto::kSinkMaySendCustody[0].descriptors == 0);
// AU: audit has a signature made, and a connection to a sink of the manifest's, which it names by number; it says how far its sinks are. It has no way to
// cause an action (T-36).
static_assert(kCannotSay<proto::AuditToEdge, proto::LaneAttach, proto::StoreLaneWanted, proto::SessionSever, proto::ExplainWanted, proto::StopRole>);
static_assert(kCannotSay<proto::AuditToControl, proto::SessionCreate, proto::SessionEnd, proto::SessionSever, proto::StopRole>);
static_assert(proto::kSinkToAudit.size() == 1 && proto::kSinkToAudit[0].type == static_cast<std::uint16_t>(proto::Type::sink_report) &&
              proto::kSinkToAudit[0].descriptors == 0);
// T-43: a way to the cold tier, and the credential that opens it, are audit's to ask for; it says no place, and nobody else has a word for either. The process
// that has read the store's answers has one word.
static_assert(kCannotSay<proto::StorageToEdge, proto::ColdLaneWanted> && kCannotSay<proto::SandboxToEdge, proto::ColdLaneWanted> &&
              kCannotSay<proto::ControlToEdge, proto::ColdLaneWanted> && kCannotSay<proto::StorageToCustody, proto::ColdCredentialWanted> &&
              kCannotSay<proto::ControlToCustody, proto::ColdCredentialWanted> && kCannotSay<proto::EdgeToCustody, proto::ColdCredentialWanted> &&
              kCannotSay<proto::AuditToCustody, proto::StoreCredentialWanted>);
static_assert(proto::kColdToAudit.size() == 1 && proto::kColdToAudit[0].type == static_cast<std::uint16_t>(proto::Type::cold_outcome) &&
              proto::kColdToAudit[0].descriptors == 0);
// The process that has read a witness's answer has one word, what came of it (T-40); it asks custody what a sink's asks.
static_assert(proto::kWitnessToAudit.size() == 1 && proto::kWitnessToAudit[0].type == static_cast<std::uint16_t>(proto::Type::head_outcome) &&
              proto::kWitnessToAudit[0].descriptors == 0);

}  // namespace ocu::appliance
