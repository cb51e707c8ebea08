// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread's side of its witnesses (AU-9): when a head is owed to one, shows it the newest by a process that ends with its answer, checks what came
// back, and says how far each is. A tree only grows, so the newest head stands for all before it: an outage of any length leaves one to show, and nothing
// is queued. What a witness can have done is a few tries an hour, so no commit waits for one (T-40); and one that has seen another history than the log
// has is an alarm (T-41). Threading: the audit thread.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "audit/graves.h"
#include "audit/head.h"
#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/audit_to_control.h"
#include "proto/audit_to_edge.h"
#include "proto/audit_to_writer.h"
#include "wire/link.h"

namespace ocu::audit {

// How it waits. A test has other ones.
struct HeadPace {
    std::chrono::milliseconds look{1000};            // how often it is looked for what is due
    std::chrono::seconds attempt{30};                // from dialling to the answer
    std::chrono::seconds again_first{5};             // after one that failed; doubled each time
    std::chrono::seconds again_max{900};
    std::chrono::seconds record_every{3600};         // that it fails for the same cause is on record once in so long
};

inline constexpr std::chrono::seconds kWitnessClockOff{600};  // a cosignature's time may be so far from ours

// The newest, as custody has signed it.
struct SignedHead {
    std::uint64_t size = 0;  // 0: there is none
    std::string body;        // what a cosignature is over
    std::string note;        // with the log's own signature
};

class HeadDesk {
public:
    struct Calls {
        std::function<void(proto::SinkDialWanted)> dial;
        std::function<void(std::uint32_t place, UniqueFd end)> channel;  // to custody
        std::function<void(proto::Event)> note;
        std::function<void(proto::KeepHead)> keep;  // to the writer
        std::function<void(proto::WitnessStates)> tell;
    };
    // What each of `witnesses` is verified against: `roots`. `log`: the audit directory. `first_place`: the number of the first of them for edge and custody.
    struct Ground {
        std::vector<Witness> witnesses;
        std::vector<UniqueFd> roots;
        UniqueFd log;
        std::uint32_t first_place = 0;
    };
    HeadDesk(wire::Loop& loop, Clock const& clock, Ground ground, helper::Spawner& spawner, Calls calls, HeadPace pace = {});
    ~HeadDesk();

    // The log is open, and these lie cosigned beside it.
    void opened(std::span<proto::KeptHead const> kept);
    void grew(std::uint64_t size) { size_ = size; }
    void head(SignedHead head);
    // There is somebody to give keys to those that need one.
    void custody_up();
    // False: it was none of these. Then it is as it was.
    bool dialled(proto::SinkDialled& dialled);
    void stop();

private:
    struct Running;
    enum class Because { failing, refused, conflict };

    void look();
    void look(Running& witness);
    void begin(Running& witness);
    void ask(Running& witness, UniqueFd socket);
    Result<void> spawn(Running& witness, UniqueFd socket);
    void hear(Running& witness, wire::Link::Frame const& frame);
    void lost(Running& witness, wire::Lost why);
    void over(Running& witness, proto::HeadOutcome const& outcome);
    void over_cosigned(Running& witness, proto::HeadOutcome const& outcome);
    void over_size(Running& witness, proto::HeadOutcome const& outcome);
    void over_status(Running& witness, proto::HeadOutcome const& outcome);
    void failed(Running& witness, Because because, std::string_view word, std::uint16_t status = 0);
    void end(Running& witness);
    void note(Running const& witness, proto::What what, std::string detail);
    void tell();

    wire::Loop& loop_;
    Clock const& clock_;
    UniqueFd log_;
    helper::Spawner& spawner_;
    Calls calls_;
    HeadPace pace_;
    std::vector<std::unique_ptr<Running>> witnesses_;
    Graves graves_;
    SignedHead head_;
    std::uint64_t size_ = 0;
    std::uint64_t last_dial_ = 0;
    bool open_ = false;
    bool custody_ = false;
    bool stopped_ = false;
    wire::Watch timer_;
    proto::WitnessStates told_;
};

}  // namespace ocu::audit
