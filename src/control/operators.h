// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Operators on the local socket: accepts them, asks the kernel who they are, and carries out what they ask through operator-front.
// Threading: the loop's thread.

#include <deque>
#include <map>
#include <set>

#include "control/caller_desk.h"
#include "control/lifecycle.h"
#include "proto/operator_front_to_control.h"
#include "wire/link.h"

namespace ocu::control {

class Operators {
public:
    // `wires`, `lifecycle`, `callers` and `config` outlive this.
    Operators(wire::Loop& loop, Clock const& clock, Config const& config, UniqueFd listener, Control::Wires& wires, Lifecycle& lifecycle,
        CallerDesk& callers);

    void front_up(UniqueFd link);
    void front_down();
    // From custody: what was asked for by an operator.
    void told(proto::LeasesTold told);
    // From the edge, likewise.
    void told(proto::Explained told);
    // From storage, likewise.
    void told(proto::FilesTold told);
    // Kept for whoever asks for the status.
    void told(proto::WebhookState state) { webhook_ = state; }
    void told(proto::StoreState state) { store_ = state; }
    void told(proto::AuditDisk const& state) { audit_disk_ = state; }
    void told(proto::SinkStates states) { sinks_ = std::move(states); }
    void told(proto::WitnessStates states) { witnesses_ = std::move(states); }
    void told(proto::RetentionState const& state) { retention_ = state; }
    void told(proto::Tally const& tally) { tally_ = tally; }
    void told(proto::ColdState state) { cold_ = std::move(state); }
    // From Lifecycle: nothing of that session runs any more.
    void severed(SessionId id);
    // No operator is accepted any more.
    void stop();

    // The operator's name for the record, or nothing: not an operator (T-11).
    std::optional<std::string> operator_name(std::uint32_t uid) const;
    // For tests and the accept loop: a connection whose peer is this user. False: refused, recorded, and closed.
    bool admit(UniqueFd connection, std::uint32_t uid);

private:
    struct Job {
        std::uint64_t front;  // which front process asked; another one knows nothing of it
        proto::OperatorAsk ask;
        std::string actor;
        std::set<SessionId> waiting;     // kills: not yet severed
        std::vector<SessionId> to_sever;
        proto::OperatorAnswer answer;
        bool decided = false;            // the record came, or was not waited for
        wire::Watch record_watch;
        wire::Watch answer_watch;
    };

    void accept_some();
    void watch_listener();
    void hear(wire::Link::Frame frame);
    void lost(wire::Lost why);
    void asked(proto::OperatorAsk ask);
    void note_refusal(std::string const& actor, proto::Reason reason, std::string const& trace, std::string const& detail);
    void start_leases(std::uint64_t number, Job& job);
    void start_explaining(std::uint64_t number, Job& job);
    void explain_policy(std::uint64_t number, Job& job);
    void ask_files(std::uint64_t number, Job& job);
    void change_callers(std::uint64_t number, Job& job);
    void callers_changed(std::uint64_t number, CallerDesk::Done done);
    void start_kill(std::uint64_t number, Job& job);
    void carry_out_kill(std::uint64_t number);
    void start_recorded(std::uint64_t number, Job& job);
    void carry_out_recorded(std::uint64_t number, Result<EventNumber> written);
    void record(std::uint64_t number, Job const& job, std::function<void(Result<EventNumber>)> done);
    void finish(std::uint64_t number);
    void send(std::uint64_t front, proto::OperatorAnswer const& answer);
    void fill_status(proto::OperatorAnswer& answer) const;
    void fill_sessions(proto::OperatorAnswer& answer) const;

    wire::Loop& loop_;
    Clock const& clock_;
    Config const& config_;
    UniqueFd listener_;
    Control::Wires& wires_;
    Lifecycle& lifecycle_;
    CallerDesk& callers_;
    Monotonic born_;
    wire::Watch listener_watch_;
    std::unique_ptr<wire::Link> link_;
    std::uint64_t front_ = 0;
    std::uint64_t last_connection_ = 0;
    std::uint64_t last_job_ = 0;
    std::map<ConnectionId, std::string> connections_;  // the last kConnectionsKnownMax, and whose they are
    std::map<std::uint64_t, Job> jobs_;
    std::deque<Monotonic> refusals_;  // recorded in the last minute
    std::int64_t refusals_unrecorded_ = 0;
    proto::WebhookState webhook_;
    proto::StoreState store_;
    proto::AuditDisk audit_disk_;
    proto::SinkStates sinks_;
    proto::WitnessStates witnesses_;
    proto::RetentionState retention_;
    proto::Tally tally_;
    proto::ColdState cold_;
    wire::Watch shutdown_watch_;
};

}  // namespace ocu::control
