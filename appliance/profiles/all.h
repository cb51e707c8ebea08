// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every profile in one list, for what must hold of all of them.

#include <array>

#include "appliance/profiles/audit_cold.h"
#include "appliance/profiles/audit_sink.h"
#include "appliance/profiles/audit_witness.h"
#include "appliance/profiles/audit_writer.h"
#include "appliance/profiles/broker.h"
#include "appliance/profiles/custody.h"
#include "appliance/profiles/dhcp.h"
#include "appliance/profiles/edge.h"
#include "appliance/profiles/exec.h"
#include "appliance/profiles/files_front.h"
#include "appliance/profiles/gateway_front.h"
#include "appliance/profiles/launcher.h"
#include "appliance/profiles/mounter.h"
#include "appliance/profiles/notifier.h"
#include "appliance/profiles/operator_front.h"
#include "appliance/profiles/parser.h"
#include "appliance/profiles/screen.h"
#include "appliance/profiles/secret_source.h"
#include "appliance/profiles/stick.h"
#include "appliance/profiles/storage_lane.h"
#include "appliance/profiles/sweeper.h"
#include "appliance/profiles/time.h"
#include "appliance/profiles/tpm.h"
#include "appliance/profiles/uplink.h"

namespace ocu::profiles {

inline constexpr std::uint32_t kSlotsMax = 4096;

// All but those that keep a capability: the launcher, mounter, and stick while it writes a report.
inline constexpr std::array kConfinedProfiles{&kGatewayFront, &kOperatorFront, &kFilesFront, &kParser, &kCustody, &kUplink, &kEdge,
    &kStorageLane, &kAuditWriter, &kNotifier, &kBroker, &kExec, &kTime, &kScreen, &kDhcp, &kStick, &kTpm, &kSecretSource, &kSweeper, &kAuditSink, &kAuditWitness, &kAuditCold};

// The user ids that a helper may run as: one, or one for each slot.
struct Users {
    std::uint32_t first;
    std::uint32_t last;
    constexpr bool disjoint(Users const& other) const { return last < other.first || other.last < first; }
};

constexpr Users users_of(helper::Profile const& profile)
{
    bool const per_session = profile.network == helper::Network::shared_empty_namespace;
    return {profile.user_offset, profile.user_offset + (per_session ? kSlotsMax - 1 : 0)};
}

}  // namespace ocu::profiles
