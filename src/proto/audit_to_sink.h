// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread and `audit-sink`, one process for each sink of the manifest: it copies the record to one place, at its own pace (F10, AU-6). It has
// one word to the thread, a report, and that only as the answer to a tick: however hostile what it speaks with, the thread has a few small things to do
// a second (T-36).
//
//      audit                 audit-sink
//      sink_tick        ->                 what the log has durably by now; answered before the next one
//                       <-  sink_report    how far it is; what it needs: a segment to read, a connection
//      sink_segment     ->                 that segment, to read; or
//      sink_socket      ->                 that connection; or
//      sink_not_given   ->                 why there is none
//
// Configuration: SinkConfig. Descriptors: the shared empty namespace, then [0] its own folder, [1] the roots, a file of PEM certificates, [2] the channel
// to custody; the last two for a sink elsewhere alone.

#include <array>

#include "base/id.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kSinksMax = 8;
inline constexpr std::size_t kWitnessesMax = 4;  // proto/audit_to_witness.h
// Both are places that edge dials and custody has keys for, by one number: the sinks of the manifest, then its witnesses.
inline constexpr std::size_t kSinkPlacesMax = kSinksMax + kWitnessesMax;

enum class SinkKind : std::uint8_t { file, syslog, https, kLast = https };
enum class SinkFormat : std::uint8_t { ocsf, ecs, cef, kLast = cef };
enum class SinkShape : std::uint8_t { plain, splunk_hec, kLast = splunk_hec };  // of the body of an HTTPS sink's request

constexpr std::string_view name_of(SinkKind kind)
{
    constexpr std::string_view kNames[] = {"file", "syslog", "https"};
    return kNames[static_cast<std::size_t>(kind)];
}

constexpr std::string_view name_of(SinkFormat format)
{
    constexpr std::string_view kNames[] = {"ocsf", "ecs", "cef"};
    return kNames[static_cast<std::size_t>(format)];
}

constexpr std::string_view name_of(SinkShape shape)
{
    constexpr std::string_view kNames[] = {"plain", "splunk-hec"};
    return kNames[static_cast<std::size_t>(shape)];
}

struct SinkConfig {
    wire::Text<32> name;
    SinkKind kind{};
    SinkFormat format{};
    SinkShape shape{};
    wire::Text<253> appliance;
    std::uint64_t file_bytes = 0;  // file: when the next one is begun
    std::uint32_t files = 0;       // file: how many there are at most
    wire::Text<253> host;          // elsewhere: whom the certificate must be for
    std::uint16_t port = 0;
    wire::Text<300> authority;     // https: Host
    wire::Text<1024> target;       // https: path and query
    bool tls = true;
    bool shows_certificate = false;

    static void fields(auto& wire, auto& m)
    {
        wire(m.name, m.kind, m.format, m.shape, m.appliance, m.file_bytes, m.files, m.host, m.port, m.authority, m.target, m.tls,
            m.shows_certificate);
    }
};

struct SinkTick {
    static constexpr Type kType = Type::sink_tick;
    std::uint64_t size = 0;  // of the log: these records are on disk

    static void fields(auto& wire, auto& m) { wire(m.size); }
};

// With one descriptor, which reads and cannot write.
struct SinkSegment {
    static constexpr Type kType = Type::sink_segment;
    std::uint64_t segment = 0;

    static void fields(auto& wire, auto& m) { wire(m.segment); }
};

// With one descriptor: connected to where the manifest says.
struct SinkSocket {
    static constexpr Type kType = Type::sink_socket;
    static void fields(auto& wire, auto&) { wire(); }
};

struct SinkNotGiven {
    static constexpr Type kType = Type::sink_not_given;
    bool socket = false;     // else: the segment
    wire::Text<32> why;

    static void fields(auto& wire, auto& m) { wire(m.socket, m.why); }
};

enum class SinkHealth : std::uint8_t {
    untried,     // nothing has been delivered yet
    delivering,  // the last delivery was taken
    failing,     // the last attempt came to nothing
    refused,     // whoever is there does not want it
    down,        // its process is not there: the thread's word alone
    kLast = down
};

constexpr std::string_view name_of(SinkHealth health)
{
    constexpr std::string_view kNames[] = {"untried", "delivering", "failing", "refused", "down"};
    return kNames[static_cast<std::size_t>(health)];
}

struct SinkReport {
    static constexpr Type kType = Type::sink_report;
    std::uint64_t position = 0;   // records that are delivered: all before it, none after
    SinkHealth health{};
    wire::Text<32> word;          // why the last attempt came to nothing; from closed lists of ours
    std::uint16_t status = 0;     // of HTTP, where it came so far
    std::int64_t oldest_ms = 0;   // the time of the first record that is read and not delivered; 0: none is
    bool damaged = false;         // what was kept of the position was of no use: it begins at the beginning. In the first report alone
    bool wants_segment = false;
    std::uint64_t segment = 0;
    bool wants_socket = false;

    static void fields(auto& wire, auto& m)
    {
        wire(m.position, m.health, m.word, m.status, m.oldest_ms, m.damaged, m.wants_segment, m.segment, m.wants_socket);
    }
};

inline constexpr std::array kAuditToSink{
    wire::Permit{static_cast<std::uint16_t>(Type::sink_tick), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::sink_segment), 1, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::sink_socket), 1, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::sink_not_given), 0, 64},
};
inline constexpr std::array kSinkToAudit{
    wire::Permit{static_cast<std::uint16_t>(Type::sink_report), 0, 128},
};

}  // namespace ocu::proto
