// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/sessions.h"

#include <algorithm>

#include "base/assert.h"

namespace ocu::control {

namespace {

// No default constructor: a cell that is left out does not compile.
struct Cell {
    constexpr Cell(Phase next_phase, Act what) : next(next_phase), act(what) {}
    Phase next;
    Act act;
};

using enum Act;
using P = Phase;
using Row = std::array<Cell, kHappenings>;

// Answers that come after a session was given up (a late record, a late token, an `up` that crossed a kill) change nothing: every such
// cell keeps its phase. T-13: what was told to the sandbox role is forgotten only when it says that the session is down.
// clang-format off
constexpr std::array<Row, kPhases> kTable{
    //             recorded                 record_failed                minted                     mint_failed               came_up                   died                        went_down                   end                          kill                           shelve                    claim
    /* recording */Row{Cell{P::minting, mint},  Cell{P::gone, refuse},       Cell{P::recording, none},  Cell{P::recording, none}, Cell{P::recording, none}, Cell{P::recording, none},   Cell{P::recording, none},   Cell{P::gone, refuse},       Cell{P::gone, refuse},         Cell{P::recording, none}, Cell{P::recording, none}},
    /* minting   */Row{Cell{P::minting, none},  Cell{P::minting, none},      Cell{P::starting, create}, Cell{P::gone, refuse},    Cell{P::minting, none},   Cell{P::minting, none},     Cell{P::minting, none},     Cell{P::gone, refuse},       Cell{P::gone, refuse},         Cell{P::minting, none},   Cell{P::minting, none}},
    /* starting  */Row{Cell{P::starting, none}, Cell{P::starting, none},     Cell{P::starting, none},   Cell{P::starting, none},  Cell{P::up, grant},       Cell{P::dead, refuse_lost}, Cell{P::gone, refuse_lost}, Cell{P::ending, refuse_end}, Cell{P::killing, refuse_kill}, Cell{P::pooled, shelve},  Cell{P::starting, none}},
    /* pooled    */Row{Cell{P::pooled, none},   Cell{P::pooled, none},       Cell{P::pooled, none},     Cell{P::pooled, none},    Cell{P::pooled, none},    Cell{P::dead, lost},        Cell{P::gone, lost},        Cell{P::ending, end},        Cell{P::killing, kill},        Cell{P::pooled, none},    Cell{P::claiming, record_claim}},
    /* claiming  */Row{Cell{P::up, grant},      Cell{P::ending, refuse_end}, Cell{P::claiming, none},   Cell{P::claiming, none},  Cell{P::claiming, none},  Cell{P::dead, refuse_lost}, Cell{P::gone, refuse_lost}, Cell{P::ending, refuse_end}, Cell{P::killing, refuse_kill}, Cell{P::claiming, none},  Cell{P::claiming, none}},
    /* up        */Row{Cell{P::up, none},       Cell{P::up, none},           Cell{P::up, none},         Cell{P::up, none},        Cell{P::up, none},        Cell{P::dead, lost},        Cell{P::gone, lost},        Cell{P::ending, end},        Cell{P::killing, kill},        Cell{P::up, none},        Cell{P::up, none}},
    /* ending    */Row{Cell{P::ending, none},   Cell{P::ending, none},       Cell{P::ending, none},     Cell{P::ending, none},    Cell{P::ending, none},    Cell{P::dead, severed},     Cell{P::gone, severed},     Cell{P::ending, none},       Cell{P::killing, kill_harder}, Cell{P::ending, none},    Cell{P::ending, none}},
    /* killing   */Row{Cell{P::killing, none},  Cell{P::killing, none},      Cell{P::killing, none},    Cell{P::killing, none},   Cell{P::killing, none},   Cell{P::dead, severed},     Cell{P::gone, severed},     Cell{P::killing, none},      Cell{P::killing, none},        Cell{P::killing, none},   Cell{P::killing, none}},
    /* dead      */Row{Cell{P::dead, none},     Cell{P::dead, none},         Cell{P::dead, none},       Cell{P::dead, none},      Cell{P::dead, none},      Cell{P::dead, none},        Cell{P::gone, severed},     Cell{P::dead, none},         Cell{P::dead, severed},        Cell{P::dead, none},      Cell{P::dead, none}},
};
// clang-format on

}  // namespace

Sessions::Sessions(std::size_t slots) : slots_(slots, false) {}

Session* Sessions::find(SessionId id)
{
    auto const found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

Session const* Sessions::find(SessionId id) const
{
    auto const found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

Session* Sessions::find_live(CallerId caller, std::string_view chat)
{
    for (auto& [id, session] : sessions_)
        if (session.owner == Owner::caller && session.caller == caller && session.chat == chat && is_live(session.phase)) return &session;
    return nullptr;
}

Session* Sessions::add(SessionId id, CallerId caller, std::string_view caller_name, std::string_view chat, Monotonic now)
{
    Session session;
    session.id = id;
    session.caller = caller;
    session.caller_name = caller_name;
    session.chat = chat;
    return add(std::move(session), now);
}

Session* Sessions::add_for_pool(SessionId id, Monotonic now)
{
    Session session;
    session.id = id;
    session.birth = Birth::for_pool;
    session.owner = Owner::nobody;
    return add(std::move(session), now);
}

Session* Sessions::add(Session session, Monotonic now)
{
    auto const free = std::ranges::find(slots_, false);
    if (free == slots_.end()) return nullptr;
    *free = true;
    session.slot = Slot{static_cast<std::uint64_t>(free - slots_.begin())};
    session.born = now;
    session.used = now;
    SessionId const id = session.id;
    auto const [place, fresh] = sessions_.emplace(id, std::move(session));
    OCU_ASSERT(fresh);
    return &place->second;
}

Act Sessions::apply(Session& session, Happening happening)
{
    OCU_ASSERT(session.phase != Phase::gone);
    Cell const& cell = kTable[static_cast<std::size_t>(session.phase)][static_cast<std::size_t>(happening)];
    session.phase = cell.next;
    return cell.act;
}

void Sessions::forget(SessionId id)
{
    auto const found = sessions_.find(id);
    OCU_ASSERT(found != sessions_.end() && found->second.phase == Phase::gone);
    slots_[found->second.slot.value] = false;
    sessions_.erase(found);
}

std::vector<SessionId> Sessions::of(CallerId caller) const
{
    std::vector<SessionId> out;
    for (auto const& [id, session] : sessions_)
        if (session.owner == Owner::caller && session.caller == caller) out.push_back(id);
    return out;
}

std::size_t Sessions::live_of(CallerId caller) const
{
    return static_cast<std::size_t>(std::ranges::count_if(
        sessions_, [caller](auto const& each) {
            return each.second.owner == Owner::caller && each.second.caller == caller && is_live(each.second.phase);
        }));
}

std::size_t Sessions::live() const
{
    return static_cast<std::size_t>(std::ranges::count_if(sessions_, [](auto const& each) { return is_live(each.second.phase); }));
}

Session* Sessions::find_pooled()
{
    Session* oldest = nullptr;
    for (auto& [id, session] : sessions_)
        if (session.phase == Phase::pooled && (oldest == nullptr || session.born < oldest->born)) oldest = &session;
    return oldest;
}

Session* Sessions::find_coming()
{
    for (auto& [id, session] : sessions_)
        if (session.owner == Owner::nobody && session.phase < Phase::pooled) return &session;
    return nullptr;
}

Sessions::PoolCount Sessions::pool() const
{
    PoolCount count;
    for (auto const& [id, session] : sessions_) {
        if (session.owner == Owner::caller) continue;
        if (session.phase == Phase::pooled) ++count.ready;
        if (session.phase < Phase::pooled) ++count.coming;
    }
    return count;
}

std::size_t Sessions::owned() const
{
    return static_cast<std::size_t>(std::ranges::count_if(sessions_, [](auto const& each) { return each.second.owner == Owner::caller; }));
}

std::size_t Sessions::starting() const
{
    return static_cast<std::size_t>(std::ranges::count_if(
        sessions_, [](auto const& each) { return each.second.owner == Owner::caller && each.second.phase < Phase::pooled; }));
}

std::size_t Sessions::slots_free() const { return static_cast<std::size_t>(std::ranges::count(slots_, false)); }

std::vector<SessionId> Sessions::pooled_for(Monotonic now, std::chrono::seconds age) const
{
    std::vector<SessionId> old;
    for (auto const& [id, session] : sessions_)
        if (session.phase == Phase::pooled && now - session.born >= age) old.push_back(id);
    return old;
}

std::vector<SessionId> Sessions::ids() const
{
    std::vector<Session const*> all;
    for (auto const& [id, session] : sessions_) all.push_back(&session);
    std::ranges::stable_sort(all, {}, &Session::born);
    std::vector<SessionId> ids;
    for (auto const* const session : all) ids.push_back(session->id);
    return ids;
}

std::vector<SessionId> Sessions::overdue(Monotonic now, std::chrono::seconds idle_max, std::chrono::seconds absolute_max) const
{
    std::vector<SessionId> late;
    for (auto const& [id, session] : sessions_) {
        if (!is_live(session.phase) || session.owner == Owner::nobody) continue;
        bool const idle = idle_max.count() > 0 && now - session.used >= idle_max;
        bool const old = absolute_max.count() > 0 && now - session.born >= absolute_max;
        if (idle || old) late.push_back(id);
    }
    return late;
}

}  // namespace ocu::control
