// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A log whose first records are older than policy keeps them, and the conversation by which they go.

#include "audit/layout.h"
#include "unit/audit/support.h"

namespace retention_support {

using namespace audit_support;

inline constexpr std::uint32_t kDays = proto::kRetentionDaysFloor;
inline constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kOld = 500;    // records that are too old, over a dozen segments and a full tile; log_opened is before them
inline constexpr std::uint64_t kYoung = 420;  // and that are not

inline WallTime time_of(std::uint64_t number) { return entry(number).time; }

// A clock at which the first `old` records, and no other, may go.
inline RemovalPolicy policy_for(std::uint64_t old, std::uint64_t copied = kAll)
{
    return {kDays, time_of(old) + std::chrono::hours(24) * kDays - std::chrono::milliseconds(1), copied};
}

// Records of ours are a millisecond apart, so an age can be put between any two of them.
inline void fill(Log& log, Signer const& signer)
{
    append_some(log, 0, kOld + kYoung);
    sign(log, signer);
}

inline std::optional<RetentionNote> word(Log& log, RemovalPolicy const& policy)
{
    auto const plan = log.plan_removal(policy);
    if (!plan || plan->removed == 0) return std::nullopt;
    Entry said{proto::Source::audit, policy.now, {}};
    said.event.what = proto::What::audit_retention;
    said.event.number = static_cast<std::int64_t>(plan->removed);
    auto const event = log.append(std::span(&said, 1));
    if (!event) return std::nullopt;
    auto note = log.word_removal(*plan, *event, policy);
    return note ? std::optional(std::move(*note)) : std::nullopt;
}

inline bool remove_old(Log& log, Signer const& signer, RemovalPolicy const& policy)
{
    auto const note = word(log, policy);
    if (!note || !log.remove(*note, signer.key, signer.sign(note->body))) return false;
    auto const checkpoint = log.derive();
    return checkpoint && log.write_checkpoint(*checkpoint, signer.key, signer.sign(format_body(*checkpoint)));
}

// The log_opened record has the manual clock's time: before the others, so that it is as old as they are.
inline ManualClock old_clock()
{
    ManualClock clock;
    clock.set_wall(time_of(0) - std::chrono::hours(1));
    return clock;
}

struct RetentionTest {
    RetentionTest()
    {
        auto opened = open_log(disk, folder, clock);
        REQUIRE(opened.has_value());
        log.emplace(std::move(*opened));
        fill(*log, signer);
    }
    std::filesystem::path segment(std::uint64_t number) const { return folder.path() / segment_path(number); }
    std::uint64_t begin_of(std::uint64_t number) const { return parse_header(read(segment(number)))->first_index; }
    // All that may go: a few segments by each retention checkpoint. The first record that is left.
    std::uint64_t remove(std::uint64_t old = kOld)
    {
        REQUIRE(remove_old(*log, signer, policy_for(old)));
        while (remove_old(*log, signer, policy_for(old))) {}
        return log->removal().first_record();
    }
    void reopen()
    {
        log.reset();
        auto opened = open_log(disk, folder, clock);
        REQUIRE(opened.has_value());
        log.emplace(std::move(*opened));
    }

    Folder folder;
    ManualClock clock = old_clock();
    SystemDisk disk;
    Signer signer;
    std::optional<Log> log;
};

}  // namespace retention_support
