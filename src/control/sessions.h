// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The registry of sessions: which (caller, chat) has which one, in which state, in which slot. A pure table, state by event; what is to
// be done comes back as a value. Threading: one thread.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "proto/reason.h"

namespace ocu::control {

// live: recording, minting, starting, up. A session that is ending is nobody's any more: its caller's next call makes another.
enum class Phase : std::uint8_t { recording, minting, starting, up, ending, killing, dead, gone, kLast = gone };
inline constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::kLast);  // gone is not stored

enum class Happening : std::uint8_t { recorded, record_failed, minted, mint_failed, came_up, died, went_down, end, kill, kLast = kill };
inline constexpr std::size_t kHappenings = static_cast<std::size_t>(Happening::kLast) + 1;

// What the thread does about it.
enum class Act : std::uint8_t {
    none,
    mint,           // ask custody for its token
    create,         // tell the sandbox role
    grant,          // answer everyone who waits for it
    refuse,         // it never came to the sandbox role: answer who waits with the reason
    refuse_end,     // starting: answer who waits, and have it ended
    refuse_kill,    // starting: answer who waits, and have it killed
    refuse_lost,    // starting: answer who waits; it is going down by itself
    end,            // tell gateway it is gone, have it ended
    kill,           // sever everywhere, have it killed
    kill_harder,    // was ending: now killed
    lost,           // up and died by itself: tell gateway
    severed,        // confirmed: nothing of it runs
};

constexpr std::string_view name_of(Phase phase)
{
    constexpr std::string_view kNames[] = {"recording", "minting", "starting", "up", "ending", "killing", "dead", "gone"};
    return kNames[static_cast<std::size_t>(phase)];
}

// Who waits for a session: the gateway for a call (F5), storage for a caller's files (F11). Each numbers its own requests.
enum class Asker : std::uint8_t { gateway, storage };
struct Waiter {
    Asker asker{};
    RequestId request;
};

struct Session {
    SessionId id;
    CallerId caller;
    std::string caller_name;
    std::string chat;
    std::string trace;                 // of the call that asked for it
    Slot slot;
    Phase phase = Phase::recording;
    Monotonic born{};
    Monotonic used{};
    proto::Reason ended_by = proto::Reason::none;  // why it was ended, once it is
    std::vector<Waiter> waiters;
};

class Sessions {
public:
    explicit Sessions(std::size_t slots);

    // The live session of that caller and chat.
    Session* find_live(CallerId caller, std::string_view chat);
    Session* find(SessionId id);
    Session const* find(SessionId id) const;
    // A new one in phase recording; nullptr when every slot is taken.
    Session* add(SessionId id, CallerId caller, std::string_view caller_name, std::string_view chat, Monotonic now);
    // Moves a session on. Its slot is free again, and the session forgotten by forget(), only once it is gone.
    Act apply(Session& session, Happening happening);
    void forget(SessionId id);

    std::size_t live_of(CallerId caller) const;
    std::size_t count() const { return sessions_.size(); }
    std::size_t live() const;
    std::vector<SessionId> ids() const;  // in order of birth
    // Live sessions that have been idle or alive for longer than allowed (0 = no such limit).
    std::vector<SessionId> overdue(Monotonic now, std::chrono::seconds idle_max, std::chrono::seconds absolute_max) const;

    static bool is_live(Phase phase) { return phase <= Phase::up; }

private:
    std::vector<bool> slots_;
    std::map<SessionId, Session> sessions_;
};

}  // namespace ocu::control
