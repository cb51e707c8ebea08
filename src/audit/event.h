// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An event as an OCSF 1.8.0 record: which class, which activity, and the canonical bytes (docs/formats/audit.md). Pure.

#include <string>
#include <string_view>

#include "audit/chain.h"
#include "base/clock.h"
#include "proto/any_to_audit.h"

namespace ocu::audit {

// What the log itself adds to an event: who said it, when, and where it stands in its source's chain.
struct Envelope {
    proto::Source source{};
    WallTime time{};
    ChainLink link;
    std::string_view appliance;
};

struct OcsfClass {
    std::uint32_t category_uid;
    std::uint32_t class_uid;
    std::uint32_t activity_id;
    std::uint32_t severity_id;
    std::string_view name;
};

OcsfClass class_of(proto::What what);
std::string to_record(proto::Event const& event, Envelope const& envelope);

}  // namespace ocu::audit
