// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Carries out what operators ask about callers, one after another: the book is changed, put on disk and in force, in this order; what is revoked is in
// force first, whatever the disk says. The record was written before (CT-6). Threading: the loop's thread.

#include <deque>
#include <map>

#include "control/lifecycle.h"

namespace ocu::control {

class CallerDesk {
public:
    struct Done {
        proto::Reason reason{};
        CallerBook::Made made{};         // add, rotate
        std::vector<SessionId> severed{};  // revoke: what was the caller's, and is being ended
    };

    // `wires` and `lifecycle` outlive this.
    CallerDesk(wire::Loop& loop, Clock const& clock, CallerBook book, Control::Wires& wires, Lifecycle& lifecycle);

    // Before the record, so that a refusal is on it.
    proto::Reason judge(proto::OperatorAction action, proto::CallerQuestion const& asked) const;
    void change(proto::OperatorAction action, proto::CallerQuestion asked, std::string actor, std::function<void(Done)> done);
    // Once a second: whose days are over. It is in force at once; the file follows.
    void pass_time();

    CallerBook const& book() const { return book_; }
    proto::CallersTold shown() const;

private:
    struct Change {
        proto::OperatorAction action{};
        proto::CallerQuestion asked;
        std::string actor;
        std::function<void(Done)> done;
    };
    void next();
    void keep(wire::Bytes file, std::function<void(bool)> then);
    void in_force();
    void say(proto::Event event);
    void are_over(std::vector<KeptCaller> const& expired);
    std::vector<SessionId> sever(CallerId caller);

    wire::Loop& loop_;
    Clock const& clock_;
    CallerBook book_;
    Control::Wires& wires_;
    Lifecycle& lifecycle_;
    std::deque<Change> changes_;  // the first is being put on disk
    bool keeping_ = false;
    bool unkept_ = false;  // what time has changed is not on disk yet
    std::map<CallerId, std::int64_t> seen_s_;
    std::vector<proto::Event> unsaid_;  // refused by audit so far
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this, and what waits for the disk
};

}  // namespace ocu::control
