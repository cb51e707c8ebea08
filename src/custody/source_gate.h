// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How often a secret source may be asked: a guest can make its edge want leases, and each question is a process and a connection (T-06). What one
// session does holds up that session alone. Pure. Threading: one thread.

#include <deque>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "proto/source_helper_to_custody_helper.h"

namespace ocu::custody {

class SourceGate {
public:
    // none, over_limit or backing_off. With none it has begun: end() is called once.
    proto::SourceFailure begin(SessionId session, std::string const& rule, Monotonic now);
    enum class How { answered, failed, given_up };  // given_up: nobody's failure, it was not wanted any more
    void end(SessionId session, std::string const& rule, How how, Monotonic now);
    void forget(SessionId session) { sessions_.erase(session); }
    std::size_t size() const { return sessions_.size(); }

private:
    struct BackOff {
        std::chrono::seconds pause{};
        Monotonic until{};
    };
    struct Session {
        std::size_t open = 0;
        std::deque<Monotonic> begun;  // within the last minute
        std::map<std::string, BackOff> rules;
    };

    std::size_t open_ = 0;
    std::map<SessionId, Session> sessions_;
};

}  // namespace ocu::custody
