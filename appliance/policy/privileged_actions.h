// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The versioned list of privileged actions (CT-6): what must be on record before it takes effect, and the one exception. Changing a
// line is a change of policy: raise kPrivilegedActionsVersion with it.

#include <array>

#include "proto/operator_front_to_control.h"

namespace ocu::policy {

inline constexpr int kPrivilegedActionsVersion = 6;

enum class Record : std::uint8_t {
    not_needed,   // reads only
    first,        // on disk before it takes effect; refused if that fails
    never_waits,  // tried first, but a kill works while audit does not (AU-7, T-17)
};

struct PrivilegedAction {
    proto::OperatorAction action;
    Record record;
};

inline constexpr std::array kPrivilegedActions{
    PrivilegedAction{proto::OperatorAction::health, Record::not_needed},
    PrivilegedAction{proto::OperatorAction::status, Record::not_needed},
    PrivilegedAction{proto::OperatorAction::sessions, Record::not_needed},
    PrivilegedAction{proto::OperatorAction::leases, Record::not_needed}, PrivilegedAction{proto::OperatorAction::kill, Record::never_waits},
    PrivilegedAction{proto::OperatorAction::kill_all, Record::never_waits}, PrivilegedAction{proto::OperatorAction::freeze, Record::first},
    PrivilegedAction{proto::OperatorAction::thaw, Record::first}, PrivilegedAction{proto::OperatorAction::shutdown, Record::first},
    PrivilegedAction{proto::OperatorAction::egress_test, Record::first},  // says what a guest could reach: who asked is known
    PrivilegedAction{proto::OperatorAction::files_list, Record::first},  // names of a caller's files
    PrivilegedAction{proto::OperatorAction::files_withhold, Record::first}, PrivilegedAction{proto::OperatorAction::files_release, Record::first},
    PrivilegedAction{proto::OperatorAction::policy_explain, Record::first},  // says what a caller may do: who asked is known
    PrivilegedAction{proto::OperatorAction::callers_list, Record::not_needed},
    PrivilegedAction{proto::OperatorAction::callers_add, Record::first}, PrivilegedAction{proto::OperatorAction::callers_rotate, Record::first},
    PrivilegedAction{proto::OperatorAction::callers_revoke, Record::first}, PrivilegedAction{proto::OperatorAction::callers_reset, Record::first},
    PrivilegedAction{proto::OperatorAction::metrics, Record::not_needed},
};

constexpr Record record_of(proto::OperatorAction action)
{
    for (auto const& each : kPrivilegedActions)
        if (each.action == action) return each.record;
    return Record::first;  // what nobody listed is privileged
}

static_assert(kPrivilegedActions.size() == static_cast<std::size_t>(proto::OperatorAction::kLast) + 1, "every action is listed");

}  // namespace ocu::policy
