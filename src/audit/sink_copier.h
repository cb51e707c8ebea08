// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Copies the record to one place, in order, from where it stopped (AU-6): what is delivered is kept as a position, what was not is tried again with pauses
// that double up to five minutes. At least once: never a record left out, perhaps one twice. Knows nothing of how records are carried. Helper only.
// Threading: the loop's thread.

#include <deque>
#include <functional>
#include <optional>

#include "audit/segment_reader.h"
#include "audit/sink_carrier.h"
#include "audit/sink_position.h"
#include "base/clock.h"

namespace ocu::audit {

inline constexpr std::size_t kSinkBatchRecordsMax = 1000;
inline constexpr std::size_t kSinkBatchBytesMax = 512u << 10;  // and one record more
inline constexpr std::chrono::milliseconds kSinkLinger{1000};  // from one batch that is not full to the next
inline constexpr std::chrono::milliseconds kSinkBackOffFirst{1000};
inline constexpr std::chrono::milliseconds kSinkBackOffRefused{10'000};
inline constexpr std::chrono::milliseconds kSinkBackOffMax{300'000};

class SinkCopier {
public:
    struct Calls {
        std::function<std::string(std::uint64_t number, std::string_view record)> render;  // number: from 1
        std::function<void(SinkPosition const&)> keep;
        std::function<std::uint64_t()> random;
    };
    // `from`: what was kept; nothing: there is no use in what was kept, or there was nothing. `damaged`: the former.
    SinkCopier(Clock const& clock, SinkCarrier& carrier, SinkPosition from, bool damaged, Calls calls);

    // What proto/audit_to_sink.h says. A segment or a connection that was not asked for is dropped.
    proto::SinkReport tick(std::uint64_t size);
    proto::SinkReport report();
    void segment(UniqueFd file, std::uint64_t number);
    void socket(UniqueFd socket);
    void not_given(proto::SinkNotGiven const& why);

private:
    struct Reached {
        SinkPosition position;
        std::int64_t oldest_ms = 0;  // of the first record of its batch
    };
    struct Settling {
        std::uint64_t before = 0;
        Reached reached;
        Monotonic due{};
    };

    void turn();
    void collect();
    void take(Frame const& frame);
    void seek();
    void start();
    void carried(SinkOutcome const& outcome);
    void settle();
    void lost();
    void rewind();
    void begin_again();
    void fail(proto::SinkHealth health, std::string_view word, std::uint16_t status);
    bool is_full() const { return batch_.count >= kSinkBatchRecordsMax || batch_.bytes.size() >= kSinkBatchBytesMax; }
    std::int64_t oldest_ms() const;

    Clock const& clock_;
    SinkCarrier& carrier_;
    Calls calls_;

    SinkPosition position_;  // confirmed
    bool damaged_;
    bool checking_;          // whether the log has what the position says
    std::uint64_t size_ = 0;
    std::uint64_t next_ = 0;     // records before the one that is read next
    std::uint64_t segment_ = 0;  // where that one is looked for
    std::optional<SegmentReader> reader_;
    bool wants_segment_ = false;
    bool wants_socket_ = false;

    SinkBatch batch_;
    Reached reached_;  // by the batch
    bool under_way_ = false;
    bool lost_meanwhile_ = false;  // what went before the batch that is under way
    std::deque<Settling> settling_;
    Monotonic not_before_{};
    unsigned failures_ = 0;
    proto::SinkHealth health_ = proto::SinkHealth::untried;
    std::string word_;
    std::uint16_t status_ = 0;
};

}  // namespace ocu::audit
