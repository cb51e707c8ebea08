// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread's side of removal by age (AU-7): when to look, whether the clock is to be believed, and that what goes is on record and is what was
// asked for. Nobody can ask it to remove something. The writer does it (audit/removal.h), and can have no more signed than what policy lets go (T-39).
// Threading: the audit thread.

#include <array>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "proto/any_to_audit.h"
#include "proto/audit_to_writer.h"
#include "wire/loop.h"

namespace ocu::audit {

class RetentionDesk {
public:
    struct Calls {
        std::function<void(proto::RetentionLook)> look;
        std::function<void(proto::RetentionGo)> go;
        std::function<void(proto::RetentionSigned)> answer;
        std::function<void(std::string note)> sign;  // by custody; signed_now() follows, or nothing
        std::function<void(proto::Event, proto::Recorder::Done)> record;
        std::function<void(proto::RetentionState)> tell;
        std::function<bool()> clock_is_checked;      // somebody keeps this machine's clock right
        std::function<std::uint64_t()> copied;       // records that every sink has
        std::function<std::uint64_t()> cold;         // segments that the cold tier has; all there can be: there is none
    };
    // `hot_days`: after which what the cold tier has may go; 0: after `days`, as all else.
    RetentionDesk(wire::Loop& loop, Clock const& clock, std::uint32_t days, std::uint32_t hot_days, Calls calls);

    void writer_up(std::uint64_t first_record);
    void writer_down();
    // By its timer, ten seconds after the log was opened and once a minute from then on.
    void look();
    // From the writer. False: it says what cannot be so (T-14).
    bool found(proto::RetentionFound const& found, std::uint64_t log_size);
    bool wanted(proto::RetentionWanted wanted);
    bool done(proto::RetentionDone const& done, std::uint64_t log_size);
    void signed_now(bool good, std::array<std::uint8_t, 64> const& signature, std::array<std::uint8_t, 32> const& key);

private:
    enum class Step : std::uint8_t { idle, looking, recording, wording, signing, removing };

    void look_in(std::chrono::milliseconds wait);
    bool clock_is_believed();
    void announce(proto::RetentionFound const& found);
    void go(proto::RetentionFound const& found, std::uint64_t event);
    void held(proto::RetentionHold hold);
    void tell();

    wire::Loop& loop_;
    Clock const& clock_;
    Calls calls_;
    proto::RetentionState state_;
    std::optional<proto::RetentionState> told_;
    wire::Watch timer_;
    Step step_ = Step::idle;
    RequestId request_;
    proto::RetentionTerms terms_;         // of what goes now
    proto::RetentionTerms announced_;     // what is on record already
    bool believed_ = false;               // the clock, when it was asked for
    std::optional<std::chrono::milliseconds> offset_;  // wall clock less the other, at the last look
    std::optional<Monotonic> stepped_at_;
    std::array<std::optional<Monotonic>, static_cast<std::size_t>(proto::RetentionHold::kLast) + 1> held_at_;  // last put on record
};

}  // namespace ocu::audit
