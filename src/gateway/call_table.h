// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The calls under way, and the order they run in. One lane for each (caller, chat): its first call is the one at work, the others wait, but
// for a process_read that waits itself.
//
//     phase      waiting      its turn has not come
//                asking       control is asked which sandbox
//                recording    "about to" is being written
//                running      the sandbox has it
//                inspecting   the parser looks at what it returned
//                ending       "done" is being written; nobody is answered before
//
// Pure: holds values, decides order and numbers; sends nothing.

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "proto/tool.h"

namespace ocu::gateway {

enum class Phase { waiting, asking, recording, running, inspecting, ending };

struct Call {
    CallId id;
    RequestId front;            // the front's number for it
    CallerId caller;
    std::string caller_name;
    std::string chat;
    std::string client_id;      // what a cancelling notification names
    std::string trace;
    SessionId session;
    proto::ToolArguments arguments;  // given away when it runs
    proto::Tool tool{};
    std::string detail;         // for the record: the beginning of the command, or the path
    bool wants_progress = false;
    std::uint32_t ignored_arguments = 0;
    Phase phase = Phase::waiting;
    bool cancelled = false;     // asked for while it could not be acted on at once
    Monotonic began{};
    proto::ToolAnswer answer;
};

// A read waits for a program to say something, perhaps in answer to what the next call brings: it holds nobody up once it runs.
constexpr bool lets_others_pass(Call const& call) { return call.tool == proto::Tool::process_read && call.phase >= Phase::running; }

class CallTable {
public:
    enum class Refusal { none, caller_full, lane_full };

    // Whether one more call of this caller in this chat would be within the ceilings (GW-8).
    Refusal room(CallerId caller, std::string const& chat, std::size_t per_caller_max, std::size_t per_lane_max) const;
    Call& add(Call call);
    Call* find(CallId id);
    Call* find_front(RequestId front);
    // Within one caller and chat only: ids of different clients do not meet.
    Call* find_client(CallerId caller, std::string const& chat, std::string const& client_id);
    // The call at work in that session and those that wait behind it.
    std::vector<CallId> of_session(SessionId session);
    std::vector<CallId> all() const;
    // The call that may start now in this lane: the first that has not started, unless one before it has to end first.
    Call* next(CallerId caller, std::string const& chat);
    // The front has gone: its numbers mean nothing any more, and a new one will use them again.
    void forget_fronts();
    void remove(CallId id);
    std::size_t size() const { return calls_.size(); }

private:
    using LaneKey = std::pair<CallerId, std::string>;
    std::unordered_map<CallId, Call> calls_;
    std::unordered_map<RequestId, CallId> by_front_;
    std::map<LaneKey, std::deque<CallId>> lanes_;
    std::unordered_map<CallerId, std::size_t> per_caller_;
};

}  // namespace ocu::gateway
