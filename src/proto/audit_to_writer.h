// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread and its helper `audit-writer`. Events go down in order and are acknowledged in that order, many at once; the writer can
// ask for one thing of its own accord, the signature of a checkpoint. A head that somebody outside has cosigned goes down too, to be kept. Old records
// go by a conversation that the thread begins and leads:
//
//   look -> found (what would go) -> the thread records it -> go -> wanted (the text) -> custody signs it -> signed -> done (it is gone)

#include <array>

#include "proto/any_to_audit.h"
#include "proto/audit_to_cold.h"
#include "proto/audit_to_witness.h"
#include "proto/note_kind.h"
#include "proto/retention.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

// First frame; descriptor 0 is the audit directory, opened O_DIRECTORY.
struct AuditWriterConfig {
    wire::Text<253> appliance_name;  // origin of the log: no space, no control character, no '+'
    std::uint32_t segment_bytes = 0; // 0: the default

    static void fields(auto& wire, auto& m) { wire(m.appliance_name, m.segment_bytes); }
};

inline constexpr std::size_t kKeptHeadsMax = 16;  // also those of witnesses that the manifest no longer names

// A head that lies cosigned beside the log. What it says is a hint of where to go on: whoever relies on it checks it (audit/verify.h).
struct KeptHead {
    wire::Text<32> witness;
    std::uint64_t size = 0;
    std::uint64_t time_s = 0;  // seconds since 1970, by the witness's clock

    bool operator==(KeptHead const&) const = default;
    static void fields(auto& wire, auto& m) { wire(m.witness, m.size, m.time_s); }
};

// The body of the ready report: the log is open, what a crash left was repaired, and log_opened is on record.
struct LogOpened {
    static constexpr Type kType = Type::log_opened;
    std::uint64_t size = 0;
    std::array<std::uint8_t, 32> root{};
    std::uint64_t repaired_bytes = 0;
    std::uint64_t checkpoint_size = 0;
    wire::List<KeptHead, kKeptHeadsMax> kept{};
    std::uint64_t first_segment = 0;  // the first that is there
    std::uint64_t first_record = 0;   // the first record in it
    ColdPosition cold{};              // as it was kept, if the log bears it out

    static void fields(auto& wire, auto& m)
    {
        wire(m.size, m.root, m.repaired_bytes, m.checkpoint_size, m.kept, m.first_segment, m.first_record, m.cold);
    }
};

struct Append {
    static constexpr Type kType = Type::append;
    RequestId request;
    Source source{};
    std::int64_t time_ms = 0;  // wall clock when the source handed it over
    Event event;

    static void fields(auto& wire, auto& m) { wire(m.request, m.source, m.time_ms, m.event); }
};

// These are on disk: all that were sent up to `last` and not acknowledged before.
struct Appended {
    static constexpr Type kType = Type::appended;
    RequestId last;
    std::uint32_t count = 0;
    std::uint64_t first_index = 0;  // of the first of them in the log; the others follow

    static void fields(auto& wire, auto& m) { wire(m.last, m.count, m.first_index); }
};

// The log cannot be written; nothing that was sent and not acknowledged is known to be on disk. The writer ends.
struct AppendFailed {
    static constexpr Type kType = Type::append_failed;
    std::int32_t os_errno = 0;  // ENOSPC is the disk being full

    static void fields(auto& wire, auto& m) { wire(m.os_errno); }
};

struct CheckpointWanted {
    static constexpr Type kType = Type::checkpoint_wanted;
    RequestId request;
    std::uint64_t size = 0;
    wire::Text<kNoteBodyBytesMax> note;

    static void fields(auto& wire, auto& m) { wire(m.request, m.size, m.note); }
};

struct CheckpointSignature {
    static constexpr Type kType = Type::checkpoint_signature;
    RequestId request;
    bool good = false;  // no: custody is down
    std::array<std::uint8_t, 64> signature{};
    std::array<std::uint8_t, 32> public_key{};

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.signature, m.public_key); }
};

// A head of this log with a witness's cosignature, which the thread has checked: to be kept in place of the one before it. Not answered.
struct KeepHead {
    static constexpr Type kType = Type::keep_head;
    wire::Text<32> witness;
    wire::Text<kWitnessKeyBytesMax> key;  // its verifier key, which is kept beside it
    wire::Text<kHeadNoteBytesMax + 512> note;

    static void fields(auto& wire, auto& m) { wire(m.witness, m.key, m.note); }
};

// How far the cold tier is. Kept beside the log if the log bears it out, so that the next start goes on from there. Not answered.
struct KeepCold {
    static constexpr Type kType = Type::keep_cold;
    ColdPosition position;

    static void fields(auto& wire, auto& m) { wire(m.position); }
};

// What could go by this policy, at this time? Changes nothing.
struct RetentionLook {
    static constexpr Type kType = Type::retention_look;
    RequestId request;
    std::uint32_t days = 0;
    std::int64_t now_ms = 0;
    std::uint64_t copied = 0;  // every sink has the records before it
    std::uint64_t cold = 0;    // the cold tier has the segments before it; all there can be: there is none
    std::uint32_t hot_days = 0;  // after so long what the cold tier has may go; 0: it stays all the days

    static void fields(auto& wire, auto& m) { wire(m.request, m.days, m.now_ms, m.copied, m.cold, m.hot_days); }
};

// `removed` 0: nothing, and `hold` says why.
struct RetentionFound {
    static constexpr Type kType = Type::retention_found;
    RequestId request;
    RetentionHold hold{};
    std::uint64_t removed = 0;   // the records before it would go, with the segments before `segment`
    std::uint64_t segment = 0;
    std::int64_t newest_ms = 0;  // the latest time that one of them has

    static void fields(auto& wire, auto& m) { wire(m.request, m.hold, m.removed, m.segment, m.newest_ms); }
};

// It is on record, as this one: ask for the signature.
struct RetentionGo {
    static constexpr Type kType = Type::retention_go;
    RequestId request;
    std::uint64_t event = 0;

    static void fields(auto& wire, auto& m) { wire(m.request, m.event); }
};

struct RetentionWanted {
    static constexpr Type kType = Type::retention_wanted;
    RequestId request;
    wire::Text<kNoteBodyBytesMax> note;

    static void fields(auto& wire, auto& m) { wire(m.request, m.note); }
};

struct RetentionSigned {
    static constexpr Type kType = Type::retention_signed;
    RequestId request;
    bool good = false;  // no: nothing goes
    std::array<std::uint8_t, 64> signature{};
    std::array<std::uint8_t, 32> public_key{};

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.signature, m.public_key); }
};

// What lies on the disk now begins here.
struct RetentionDone {
    static constexpr Type kType = Type::retention_done;
    RequestId request;
    std::uint64_t first_segment = 0;
    std::uint64_t first_record = 0;

    static void fields(auto& wire, auto& m) { wire(m.request, m.first_segment, m.first_record); }
};

inline constexpr std::array kAuditToWriter{
    wire::Permit{static_cast<std::uint16_t>(Type::append), 0, 2048},
    wire::Permit{static_cast<std::uint16_t>(Type::checkpoint_signature), 0, 128},
    wire::Permit{static_cast<std::uint16_t>(Type::keep_head), 0, 3200},
    wire::Permit{static_cast<std::uint16_t>(Type::keep_cold), 0, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::retention_look), 0, 40},
    wire::Permit{static_cast<std::uint16_t>(Type::retention_go), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::retention_signed), 0, 128},
};

inline constexpr std::array kWriterToAudit{
    wire::Permit{static_cast<std::uint16_t>(Type::appended), 0, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::append_failed), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::checkpoint_wanted), 0, 20 + kNoteBodyBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::retention_found), 0, 40},
    wire::Permit{static_cast<std::uint16_t>(Type::retention_wanted), 0, 12 + kNoteBodyBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::retention_done), 0, 24},
};

}  // namespace ocu::proto
