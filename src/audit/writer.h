// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The writer's serving half: group commit of what the link brings, derived files and checkpoints at their own pace. Owns no path.
//
//   link brings frames -> all that one read took are one batch -> one write, one sync -> one acknowledgement

#include "audit/log.h"
#include "proto/audit_to_writer.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::audit {

proto::LogOpened opened_report(Log const& log);

class Writer {
public:
    // Stops the loop when the link or the log is lost.
    Writer(wire::Loop& loop, Log log, UniqueFd link, Clock const& clock);

    // Why the loop was stopped: nothing if the core closed the link.
    Result<void> const& outcome() const { return outcome_; }

private:
    void take(wire::Link::Frame const& frame);
    void commit();
    void wait_to_derive();
    void derive();
    void sign(proto::CheckpointSignature const& answer);
    void keep(proto::KeepHead const& head);
    void keep(proto::KeepCold const& cold);
    bool retention(wire::Link::Frame const& frame);
    void look(proto::RetentionLook const& ask);
    void go(proto::RetentionGo const& ask);
    void remove(proto::RetentionSigned const& answer);
    void tell_removed(RequestId request);
    void give_up(Error const& error);

    wire::Loop& loop_;
    Clock const& clock_;
    Log log_;
    wire::Link link_;
    Result<void> outcome_;

    std::vector<Entry> batch_;
    RequestId last_;

    wire::Watch derive_timer_;
    Monotonic last_derived_{};
    std::optional<Checkpoint> unsigned_;  // asked for and not answered
    RequestId signature_request_;

    // What would go: what was found last, and the text that custody was asked to sign.
    struct Removing {
        RequestId request;
        RemovalPolicy policy;
        RemovalPlan plan;
        std::optional<RetentionNote> note;
    };
    std::optional<Removing> removing_;
    wire::Watch stop_timer_;
};

}  // namespace ocu::audit
