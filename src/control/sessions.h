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

// live: up to `up`. A session that is ending is nobody's any more: its caller's next call makes another. One of the warm pool waits in `pooled`
// for its caller, is recorded as that caller's in `claiming`, and never goes back (SX-6).
enum class Phase : std::uint8_t { recording, minting, starting, pooled, claiming, up, ending, killing, dead, gone, kLast = gone };
inline constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::kLast);  // gone is not stored

enum class Happening : std::uint8_t {
    recorded,
    record_failed,
    minted,
    mint_failed,
    came_up,
    died,
    went_down,
    end,
    kill,
    shelve,  // came up, and nobody has asked for it yet
    claim,   // somebody does
    kLast = claim,
};
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
    shelve,         // ready for whoever comes
    record_claim,   // put on record whose it is from now on
};

constexpr std::string_view name_of(Phase phase)
{
    constexpr std::string_view kNames[] = {"recording", "minting", "starting", "pooled", "claiming", "up", "ending", "killing", "dead", "gone"};
    return kNames[static_cast<std::size_t>(phase)];
}

// Who waits for a session: the gateway for a call (F5), storage for a caller's files (F11). Each numbers its own requests.
enum class Asker : std::uint8_t { gateway, storage };
enum class Charge : std::uint8_t { nothing, call };  // a call is counted when it gets its session
struct Waiter {
    Asker asker{};
    RequestId request;
    Charge charge = Charge::nothing;
};

// nobody: made for the warm pool and not claimed yet.
enum class Owner : std::uint8_t { caller, nobody };
enum class Birth : std::uint8_t { for_caller, for_pool };

struct Session {
    SessionId id;
    Birth birth = Birth::for_caller;
    Owner owner = Owner::caller;
    CallerId caller;                   // this and the next three: nothing while it is nobody's
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
    // The same for the warm pool: of no caller.
    Session* add_for_pool(SessionId id, Monotonic now);
    // The one of the pool that has waited longest; one that is on its way to it.
    Session* find_pooled();
    Session* find_coming();
    // Moves a session on. Its slot is free again, and the session forgotten by forget(), only once it is gone.
    Act apply(Session& session, Happening happening);
    void forget(SessionId id);

    std::size_t live_of(CallerId caller) const;
    std::vector<SessionId> of(CallerId caller) const;  // those that are ending, too
    std::size_t count() const { return sessions_.size(); }
    std::size_t live() const;
    struct PoolCount {
        std::size_t ready = 0;  // pooled
        std::size_t coming = 0; // on their way to it
    };
    PoolCount pool() const;
    std::size_t owned() const;     // count() without the pool's
    std::size_t starting() const;  // of callers, who wait for them
    std::size_t slots_free() const;
    std::vector<SessionId> ids() const;  // in order of birth
    // Live sessions that have been idle or alive for longer than allowed (0 = no such limit).
    std::vector<SessionId> overdue(Monotonic now, std::chrono::seconds idle_max, std::chrono::seconds absolute_max) const;

    std::vector<SessionId> pooled_for(Monotonic now, std::chrono::seconds age) const;

    static bool is_live(Phase phase) { return phase <= Phase::up; }

private:
    Session* add(Session session, Monotonic now);

    std::vector<bool> slots_;
    std::map<SessionId, Session> sessions_;
};

}  // namespace ocu::control
