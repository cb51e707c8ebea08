// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread's side of the cold tier (AU-7): which sealed segment is next, a process that puts it there and reads it back, and how far that is. One at a
// time, the oldest first; nothing is queued but the log itself, so an outage of any length costs no memory, and no commit waits (T-43). What is not
// confirmed is not removed (T-44). Threading: the audit thread.

#include <functional>
#include <optional>

#include "audit/cold.h"
#include "audit/graves.h"
#include "audit/head_desk.h"
#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/ask_custody.h"
#include "proto/audit_to_control.h"
#include "proto/audit_to_edge.h"
#include "proto/audit_to_writer.h"
#include "wire/link.h"

namespace ocu::audit {

// How it waits. A test has other ones.
struct ColdPace {
    std::chrono::milliseconds look{2000};            // how often it is looked for a segment that is sealed
    std::chrono::seconds attempt{300};               // for one segment, there and back
    std::chrono::seconds patience{30};               // with a machine that comes up: until there is a signed head, and custody
    std::chrono::seconds again_first{5};             // after one that failed; doubled each time
    std::chrono::seconds again_max{900};
    std::chrono::seconds record_every{3600};         // that it is refused for the same cause is on record once in so long
    std::chrono::seconds overdue{3600};              // a segment that is due for so long is an alarm
};

inline constexpr std::uint64_t kColdCountedMax = 1000;  // segments that are due: more are not counted

class ColdDesk {
public:
    struct Calls {
        std::function<void(UniqueFd end)> lane;        // to the edge
        std::function<void(UniqueFd end)> credential;  // to custody
        std::function<void(proto::Event)> note;
        std::function<void(proto::ColdPosition)> keep;  // to the writer
        std::function<void(proto::ColdState)> tell;
    };
    // `log`: the audit directory. Without `cold` nothing is done, and nothing withheld from removal.
    ColdDesk(wire::Loop& loop, Clock const& clock, std::optional<Cold> cold, UniqueFd log, helper::Spawner& spawner, Calls calls, ColdPace pace = {});
    ~ColdDesk();

    // The log is open. `kept`: the position that lies beside it.
    void opened(proto::ColdPosition const& kept, std::uint64_t first_segment, std::uint64_t first_record);
    // No segment before this one is there any more.
    void begins_at(std::uint64_t first_segment, std::uint64_t first_record);
    void grew(std::uint64_t size) { size_ = size; }
    void head(SignedHead head) { head_ = std::move(head); }
    void custody_up() { custody_ = true; }
    // How many segments are confirmed; without a cold tier, as many as there can be. Counted here: no process's number is in it (T-44).
    std::uint64_t confirmed() const;
    void stop();

private:
    void look();
    void turn();
    bool is_sealed(std::uint64_t segment) const;
    void count_due();
    Result<void> spawn();
    void hear(wire::Link::Frame const& frame);
    void over(proto::ColdOutcome const& outcome);
    void failed(proto::ColdHealth health, std::string_view word, std::uint16_t status = 0);
    void end();
    void note(proto::What what, proto::Outcome outcome, std::string detail);
    void tell();

    wire::Loop& loop_;
    Clock const& clock_;
    std::optional<Cold> cold_;
    UniqueFd log_;
    helper::Spawner& spawner_;
    Calls calls_;
    ColdPace pace_;
    Graves graves_;
    wire::Watch timer_;

    SignedHead head_;
    std::uint64_t size_ = 0;
    proto::ColdPosition position_;
    std::uint64_t due_ = 0;  // segments from there on that are sealed
    std::optional<Monotonic> since_;  // when the first of them was seen to be
    bool open_ = false;
    bool custody_ = false;
    bool stopped_ = false;

    // An attempt.
    helper::Child child_;
    std::unique_ptr<wire::Link> link_;
    std::uint64_t generation_ = 0;
    bool ready_ = false;
    Monotonic begun_{};
    Monotonic next_{};  // not before
    unsigned failures_ = 0;  // in a row
    bool overdue_said_ = false;

    proto::ColdHealth health_ = proto::ColdHealth::untried;
    std::string word_;
    std::uint16_t status_ = 0;
    std::string on_record_;  // the cause that the record has of its being refused
    Monotonic on_record_at_{};
    std::optional<proto::ColdState> told_;
};

}  // namespace ocu::audit
