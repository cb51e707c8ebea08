// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the edge thread keeps of one session and of each of its connections. Threading: the role's thread.

#include <array>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "edge/allow_list.h"
#include "edge/denial_fold.h"
#include "edge/limits.h"
#include "edge/start_gate.h"
#include "edge/traffic.h"
#include "edge/trip.h"
#include "helper/spawner.h"
#include "proto/withheld.h"
#include "wire/link.h"

namespace ocu::edge {

// A request that was asked for and is not done.
struct Request {
    std::string method;
    std::string host;
    std::string path;
    std::size_t rule = 0;
    std::uint64_t lease_wanted = 0;  // the number of the question to custody, 0: none is open
};

// A route's connection to an ICAP server.
struct IcapLine {
    std::uint64_t dial = 0;  // its number while it is dialled, 0: it is not
    UniqueFd kept;           // as Route::kept
};

struct Route {
    enum class Stage : std::uint8_t {
        recording,  // its record is on the way to disk; nothing has been dialled
        dialling,
        open,
        cut,        // ended from here; the helper's own word is awaited
    };

    proto::RouteAsked asked;
    RouteVerdict verdict;
    Stage stage = Stage::recording;
    std::uint64_t number = 0;        // of the dial; unique in this process
    UniqueFd kept;                   // the same socket that the helper has: shut here, it is shut for both (T-17)
    std::string address;             // what was dialled
    std::string proxy;               // by which that was, if it was
    Monotonic began{};
    Traffic counted;                 // so much of it is in the budgets already
    std::size_t rule = 0;            // whose budget pays
    std::map<RequestId, Request> requests;
    RequestId last_request;
    std::array<IcapLine, 2> icap;    // for each proto::IcapSide
};

struct Session {
    Session(SessionId id_in, Slot slot_in, UniqueFd tcp_in, UniqueFd dns_in, std::size_t rules, Tripwire const& tripwire)
        : id(id_in), slot(slot_in), tcp(std::move(tcp_in)), dns(std::move(dns_in)), spent(rules), trip(tripwire)
    {}

    SessionId id;
    Slot slot;
    // They stay open here, so that a helper that was started again serves the same lane.
    UniqueFd tcp;
    UniqueFd dns;
    wire::Watch tcp_watch;
    wire::Watch dns_watch;
    wire::Watch start_again;
    StartGate gate{kStartsPerMinuteMax, std::chrono::minutes(1), kStartGap, kStartGapMax};
    helper::Child child;
    std::unique_ptr<wire::Link> link;
    std::uint64_t generation = 0;    // of the helper
    bool ready = false;
    std::size_t frames = 0;          // in this second
    Monotonic frames_since{};
    wire::Watch listen_again;
    DenialFold fold;
    std::map<ConnectionId, Route> routes;
    std::vector<std::uint64_t> spent;  // bytes, for each rule
    Traffic moved;                     // over all of its connections that were counted
    Monotonic told_moved{};            // when control last heard of it
    Trip trip;
    std::set<proto::WithheldContent> withheld;  // as storage has told it; a helper that starts is told all of it
    bool withheld_overflow = false;
    proto::Reason closed = proto::Reason::none;  // the tripwire was to end it: why nothing more is let through
};

}  // namespace ocu::edge
