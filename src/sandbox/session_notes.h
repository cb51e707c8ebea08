// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What of a session goes on record from here: how it came up and failed, what ran in it and how that ended.
// Threading: the loop's thread.

#include "base/clock.h"
#include "proto/any_to_audit.h"
#include "sandbox/session.h"

namespace ocu::sandbox {

class SessionNotes {
public:
    // Both outlive this.
    SessionNotes(proto::Recorder& recorder, Clock const& clock) : recorder_(recorder), clock_(clock) {}

    void session(Session const& session, proto::What what, proto::Outcome outcome, proto::Reason reason);
    void process_ended(Session const& session, proto::ExecProcessEnded const& ended);
    // A helper that its guest has taken over may say it as often as it likes: what comes too soon is counted, and its words are not kept.
    void programs_ran(Session& session, proto::ExecProgramsRun const& told);
    // What was counted and not yet said.
    void programs_left(Session& session);

private:
    void programs(Session& session, std::string_view shown);

    proto::Recorder& recorder_;
    Clock const& clock_;
};

}  // namespace ocu::sandbox
