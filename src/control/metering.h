// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What each session uses, on record: an increment for each hour that it runs, one for what it used in the warm pool, and one when it ends, so that the
// sum of a session's records is all that it used. The numbers are totals that the sandbox role, storage, the edge and the gateway tell
// (proto/session_meter.h); nothing waits for any of them: one who has not said its last word kMeterLastWait after the end is named as unread.
// A record that audit refuses is handed over again; the fate of one that audit's writer died with is not known, so each has a number of its own in
// its session, and one that is there twice counts once (audit/metered.h).
// Threading: the loop's thread.

#include <array>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "control/limits.h"
#include "control/sessions.h"
#include "proto/any_to_audit.h"
#include "proto/session_meter.h"
#include "wire/loop.h"

namespace ocu::control {

// In the order of proto::kUsageWords.
enum class Used : std::uint8_t { cpu_us, memory_kib_s, mount_read, mount_written, egress_up, egress_down, calls, denied, kLast = denied };
static_assert(static_cast<std::size_t>(Used::kLast) + 1 == proto::kUsageWords.size());

class Metering {
public:
    // `emptied` runs when the last session's last record has been written.
    struct Waits {
        std::chrono::milliseconds last_word = kMeterLastWait;
        std::chrono::milliseconds write_again = kMeterWriteAgain;
    };
    Metering(wire::Loop& loop, Clock const& clock, proto::Recorder& recorder, std::function<void()> emptied, Waits waits = {kMeterLastWait, kMeterWriteAgain});

    // It is up; what it does from here on is counted.
    void begin(Session const& session);
    // One of the warm pool is its caller's from here on.
    void belongs_to(Session const& session);
    void called(SessionId id) { count(id, Used::calls); }
    void denied(SessionId id) { count(id, Used::denied); }
    void told(proto::SessionUsed const& used);
    void told(proto::SessionMounted const& mounted);
    void told(proto::SessionTraffic const& traffic);
    // Nothing of it runs any more. Once is enough; a session that was never up has no record.
    void ended(SessionId id);
    bool empty() const { return meters_.empty(); }

private:
    enum class Teller : std::uint8_t { sandbox, storage, edge };
    struct Metered {
        std::string caller;  // empty: nobody's yet
        std::string chat;
        std::string trace;
        proto::Usage total{};
        proto::Usage on_record{};
        Monotonic since{};  // the last record
        std::int64_t records = 0;
        bool cpu_known = false;
        bool memory_known = false;
        std::array<bool, 3> last_word{};  // by Teller
        bool ended = false;
        wire::Watch last_wait;
    };
    void count(SessionId id, Used what);
    Metered* find(SessionId id);
    void raise(Metered& metered, Used what, std::uint64_t total);
    void heard(SessionId id, Metered& metered, Teller teller, proto::Telling telling);
    void finish(SessionId id);
    void record(SessionId id, Metered& metered, std::string_view part);
    void write(proto::Event event);
    void keep(proto::Event event);
    static std::string unread_of(Metered const& metered);

    wire::Loop& loop_;
    Clock const& clock_;
    proto::Recorder& recorder_;
    std::function<void()> emptied_;
    Waits waits_;
    std::map<SessionId, Metered> meters_;
    std::vector<proto::Event> unwritten_;  // kMeterUnwrittenMax
    wire::Watch write_again_;
};

}  // namespace ocu::control
