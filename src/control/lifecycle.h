// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Carries out what the session table says: asks for the record, the token and the sandbox of a wanted session, and ends it.
// Threading: the loop's thread.

#include <map>

#include "control/control.h"
#include "control/metering.h"
#include "control/pool.h"
#include "control/quota.h"
#include "control/sessions.h"

namespace ocu::control {

enum class Frozen { no, yes };

class Lifecycle {
public:
    // `wires` outlives this. `severed` is called once nothing of a session runs any more.
    Lifecycle(wire::Loop& loop, Clock const& clock, Config const& config, Control::Wires& wires, std::function<void(SessionId)> severed);

    void wanted(proto::SessionWanted wanted);
    // The same for files (F11), which neither makes nor prolongs a session unless it is to be written to; nor does the gateway's question with `existing`.
    void wanted(proto::FilesSessionWanted wanted);
    void hear(proto::SandboxToControl::Message message);
    void hear(proto::CallDenied const& denied);
    void hear(proto::TokenMinted minted);

    // A kill is two steps, so that it is in force before its record is asked for: after mark_killed() no call gets this session any
    // more; carry_out_kill() severs it. `over`: nothing of it ran, or runs.
    enum class Marked { unknown, over, sever };
    Marked mark_killed(SessionId id);
    void carry_out_kill(SessionId id);

    // `denied`: it gets no session. `seen`: it asked for one, and may.
    void set_callers(std::function<bool(CallerId)> denied, std::function<void(CallerId)> seen)
    {
        denied_ = std::move(denied);
        seen_ = std::move(seen);
    }
    void set_frozen(Frozen frozen) { frozen_ = frozen; }
    Frozen frozen() const { return frozen_; }
    // Ends every session in order and takes no new one; `ended` runs once all are gone, or at kStopWait.
    void stop(std::function<void()> ended);

    std::size_t pool_wanted() const { return pool_.wanted(); }
    Metering& metering() { return metering_; }
    Sessions const& sessions() const { return sessions_; }
    Sessions& sessions() { return sessions_; }

private:
    struct Wanted {
        Waiter waiter;
        CallerId caller;
        std::string_view caller_name;
        std::string_view chat;
        std::string_view trace;
    };
    void wanted(Wanted const& wanted);
    void make(Wanted const& wanted);
    void claim(Session& session, Wanted const& wanted);
    void belongs_to(Session& session, Wanted const& wanted);
    void record_birth(Session const& session, proto::What what);
    void refill();
    void make_for_pool();
    void look_up(Waiter waiter, CallerId caller, std::string_view chat);
    void refuse(Wanted const& wanted, proto::Reason reason);
    void tell(Waiter waiter, SessionId session, proto::Reason reason);
    void move(Session& session, Happening happening, proto::Reason reason);
    void perform(Session& session, Act act, proto::Reason reason);
    void finish(Session& session, proto::Reason reason);
    void answer_waiters(Session& session, proto::Reason reason);
    void ask_token(Session const& session);
    void create(Session const& session);
    void sever(Session const& session);
    void create_late(SessionId id);
    void sweep();
    void end_if_all_gone();
    proto::Event event(Session const& session, proto::What what, proto::Reason reason) const;

    wire::Loop& loop_;
    Clock const& clock_;
    Config const& config_;
    Control::Wires& wires_;
    std::function<void(SessionId)> severed_;
    std::function<bool(CallerId)> denied_;
    std::function<void(CallerId)> seen_;
    Sessions sessions_;
    Quota quota_;
    Pool pool_;
    Metering metering_;
    Frozen frozen_ = Frozen::no;
    bool stopping_ = false;
    std::function<void()> ended_;
    std::map<RequestId, SessionId> minting_;
    std::map<SessionId, wire::Watch> create_watches_;
    std::map<SessionId, proto::TokenMinted> tokens_;  // between minted and create
    std::uint64_t last_request_ = 0;
    wire::Watch sweep_watch_;
    wire::Watch refill_watch_;
    wire::Watch stop_watch_;
};

}  // namespace ocu::control
