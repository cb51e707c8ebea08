// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the booted machine does next: which manifest it takes, when it asks a person, when the core runs with what, and what happens when
// that fails. Decides only; machine.cpp does what it says and tells it what happened. No clock runs in here, no file is opened.
//
//                        ┌────────────────────────────────────────── failed, nothing to go back to ──┐
//                        ▼                                                                           │
//   waiting ── candidate that holds ──► address ── service address ──► starting ── READY ──► serving │
//                 ▲                       ▲            │                  │                   │  │    │
//                 │ (later: a person      │            └── (later one) ──►├── failed ──► clearing ────┤
//                 │  says yes)            │                               │                      │    │
//                 └──────── stopping ◄────┼── yes, or another address ────┴──────────────────────┼────┘
//                              └──────────┴──────────────── back to the last one that served ◄───┘
//
// All or nothing (AP-2): a manifest on trial either serves, or the last one that served is put back. The files that it ships
// (`sandbox.mounts`) are fetched from its stick before anything else is done about it.

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <variant>

#include "appliance/init/ending.h"
#include "appliance/init/plan_actions.h"
#include "appliance/init/trust.h"
#include "appliance/manifest/manifest.h"
#include "base/clock.h"
#include "proto/init_to_screen.h"

namespace ocu::init {

inline constexpr std::chrono::seconds kAddressWait{60};
inline constexpr std::chrono::seconds kReadyWait{60};
inline constexpr std::chrono::seconds kRestartWaitMax{60};
inline constexpr std::chrono::seconds kStableAfter{60};  // a core that served this long starts again at once
inline constexpr std::size_t kCandidatesHeldMax = 4;

struct PlanConfig {
    std::optional<manifest::VerifyKey> trusted;  // none: enrolment
    bool built_in = false;                       // the key is part of the image
    std::set<std::string> images;                // guest variants that the boot medium has
    // The last applied serial as the state keeps it ("" if there is none), or why it cannot be had.
    std::function<manifest::Admission<std::string>()> remembered_serial;
};

class BootPlan {
public:
    BootPlan(Clock const& clock, PlanConfig config);

    // What happened. Each returns what is to be done about it, in this order.
    Actions begin();
    Actions candidate(Candidate candidate);
    Actions stick_gone(std::string const& device);
    Actions answered(Answer answer);
    // `why`: empty if every file is there; otherwise the refusal. A number that is not waited for any more changes nothing.
    Actions fetched(unsigned number, manifest::Refusal const& why);
    // The service interface's address now; empty: none.
    Actions address_is(std::string address);
    // A step that was asked for cannot be done (keep, configure, start): the reason is one of ours.
    Actions cannot(std::string why);
    Actions core_ready();
    // `why`: what it said itself; empty: nothing.
    Actions core_ended(CoreEnd how, manifest::Refusal why = {});
    Actions due(Timer timer);
    Actions stop(Power power);

    proto::MachinePhase phase() const;
    std::string const& note() const { return note_; }
    std::string trust_in_words() const;
    std::optional<manifest::VerifyKey> const& trusted() const { return config_.trusted; }
    // What serves now, or is being brought up; null before any manifest.
    manifest::Applied const* applied() const { return target_ ? &target_->applied : nullptr; }
    // What served last, and its bytes; null while nothing ever has.
    manifest::Applied const* in_force() const { return served() ? &served()->applied : nullptr; }
    std::string manifest_in_force() const { return served() ? served()->from.manifest : std::string(); }

private:
    enum class Phase { waiting, stopping, address, starting, serving, backing_off, clearing, ending };
    struct Judged {
        Candidate from;
        manifest::Applied applied;
    };
    struct Question {
        Candidate candidate;
        std::optional<manifest::VerifyKey> key;  // enrolment
        std::optional<Judged> judged;            // or a later manifest
    };

    Judged const* served() const
    {
        auto const& last = on_trial_ ? proven_ : target_;
        return last ? &*last : nullptr;
    }
    void look_at(Candidate candidate);
    void judge(Candidate candidate);
    manifest::Admission<manifest::Applied> admit(Candidate const& candidate) const;
    std::vector<Fetch::File> missing_files(manifest::Applied const& applied) const;
    std::set<std::string> needed_files() const;
    void fetch(Judged judged, std::vector<Fetch::File> missing);
    void drop_files();
    void ask_to_apply(Judged judged);
    void bring_up(Judged judged);
    void configure();
    void wait_for_address();
    void start_if_possible();
    void start_core();
    void trial_failed(manifest::Refusal const& why);
    void go_back();
    void restart_later();
    void settle();
    void refuse(Candidate const& candidate, manifest::Refusal const& why, Signed known);
    void say(std::string text);
    void add(Action action) { actions_.push_back(std::move(action)); }
    bool needs_address() const;
    bool takes_candidates() const;
    Actions done()
    {
        drop_files();
        return std::exchange(actions_, {});
    }

    Clock const& clock_;
    PlanConfig config_;
    Phase phase_ = Phase::waiting;
    std::optional<Judged> target_;   // what runs, or shall
    std::optional<Judged> proven_;   // the last one that served, while target_ is on trial
    bool on_trial_ = false;
    bool core_runs_ = false;
    std::optional<Question> question_;
    std::optional<Judged> fetching_;  // waits for files of its stick
    unsigned fetch_number_ = 0;
    std::set<std::string> files_;     // that were fetched, by hash
    std::deque<Candidate> held_;     // came while something else was decided
    std::string address_;
    std::string started_on_;         // the address that the core was started with
    bool address_is_late_ = false;
    std::string failure_;            // why the trial failed, while clearing
    unsigned failures_ = 0;
    Monotonic served_since_{};
    Power power_ = Power::off;
    std::string note_;
    Actions actions_;
};

}  // namespace ocu::init
