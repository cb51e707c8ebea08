// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The broker helper is told what it serves, says once that it serves, and is then given channels on which the files front speaks with it (F11), and
// questions of MCP callers. What it does on a channel it reports: what changes files is on record before it is done (invariant 7). Which caller a
// channel belongs to it does not know and cannot say: the thread knows by the channel's number. A frame of any other kind means that it is no
// longer ours (T-14).

#include <array>

#include "base/id.h"
#include "proto/archive_verdict.h"
#include "helper/helper.h"
#include "proto/ask_files.h"
#include "proto/files_front_to_storage.h"
#include "proto/reason.h"
#include "proto/resource.h"
#include "proto/store_place.h"
#include "proto/type.h"
#include "proto/withheld.h"
#include "wire/link.h"

namespace ocu::proto {

// Patterns of paths that may not leave (manifest: files.withhold).
inline constexpr std::size_t kWithholdRulesMax = 64;
inline constexpr std::size_t kWithholdRuleBytesMax = 256;
using WithholdRules = wire::List<wire::Text<kWithholdRuleBytesMax>, kWithholdRulesMax>;

// Media types that pass one way: what `deny` names does not; where `allow` names any, nothing else does. "type/subtype" or "type/*".
inline constexpr std::size_t kTypePatternsMax = 64;
struct TypeLists {
    using List = wire::List<wire::Text<96>, kTypePatternsMax>;
    List allow;
    List deny;

    static void fields(auto& wire, auto& m) { wire(m.allow, m.deny); }
};

// With it come three descriptors: the FUSE connection, the page in which the broker counts its bytes (storage/mount_meter.h), and the session's
// directory. Where `place` says that the session's files lie elsewhere, four: instead of the directory the supply of channels to the storage lane, and
// where the store's credential is read.
struct BrokerConfig {
    std::uint32_t owner = 0;  // host uid that files are shown to belong to
    std::uint64_t file_bytes_max = 0;
    std::uint64_t session_bytes_max = 0;
    WithholdRules withhold{};
    StorePlace place{};
    TypeLists uploads;  // in by the file API
    TypeLists outputs;  // out by the file API and as resources

    static void fields(auto& wire, auto& m) { wire(m.owner, m.file_bytes_max, m.session_bytes_max, m.withhold, m.place, m.uploads, m.outputs); }
};

using FilesChannelId = RequestId;

// The descriptor is the broker's end of one request's channel.
struct FilesChannel {
    static constexpr Type kType = Type::files_channel;
    FilesChannelId channel;
    Intents intents = 0;
    std::uint64_t upload_bytes_max = 0;

    static void fields(auto& wire, auto& m) { wire(m.channel, m.intents, m.upload_bytes_max); }
};

enum class FileDeed : std::uint8_t { upload, download, preview, archive, list, remove, refused, kLast = refused };

// May this be done? It is, once the answer says that it is on record.
struct FilesRecord {
    static constexpr Type kType = Type::files_record;
    FilesChannelId channel;
    FileDeed deed{};
    wire::Text<kFilesPathOnRecordBytesMax> path;
    std::uint64_t bytes = 0;
    wire::Text<384> detail;  // of an upload: its SHA-256 and media type, and what an archive was found to be

    static void fields(auto& wire, auto& m) { wire(m.channel, m.deed, m.path, m.bytes, m.detail); }
};

struct FilesRecorded {
    static constexpr Type kType = Type::files_recorded;
    FilesChannelId channel;
    bool good = false;

    static void fields(auto& wire, auto& m) { wire(m.channel, m.good); }
};

// This was done, or refused; nothing waits for its record.
struct FilesNote {
    static constexpr Type kType = Type::files_note;
    FilesChannelId channel;
    FileDeed deed{};
    Reason reason = Reason::none;
    wire::Text<kFilesPathOnRecordBytesMax> path;
    std::uint64_t bytes = 0;
    wire::Text<96> detail;  // of a refusal: the archive's rule, or the media type

    static void fields(auto& wire, auto& m) { wire(m.channel, m.deed, m.reason, m.path, m.bytes, m.detail); }
};

// The upload on this channel is whole and begins as an archive does: may it have its name? (SB-7)
struct FilesCheck {
    static constexpr Type kType = Type::files_check;
    FilesChannelId channel;
    std::uint64_t bytes = 0;

    static void fields(auto& wire, auto& m) { wire(m.channel, m.bytes); }
};

// The descriptor is the broker's end of the channel on which the parser reads it: proto/parser_to_broker.h.
struct FilesCheckSource {
    static constexpr Type kType = Type::files_check_source;
    FilesChannelId channel;

    static void fields(auto& wire, auto& m) { wire(m.channel); }
};

// reason none: it may.
struct FilesChecked {
    static constexpr Type kType = Type::files_checked;
    FilesChannelId channel;
    Reason reason = Reason::none;
    ArchiveVerdict verdict;

    static void fields(auto& wire, auto& m) { wire(m.channel, m.reason, m.verdict); }
};

// The front has let go of it.
struct FilesClosed {
    static constexpr Type kType = Type::files_closed;
    FilesChannelId channel;

    static void fields(auto& wire, auto& m) { wire(m.channel); }
};

struct BrokerAskResource {
    static constexpr Type kType = Type::broker_resource_ask;
    RequestId request;
    ResourceAsk ask;

    static void fields(auto& wire, auto& m) { wire(m.request, m.ask); }
};

struct BrokerResource {
    static constexpr Type kType = Type::broker_resource_told;
    RequestId request;
    ResourceAnswer answer;

    static void fields(auto& wire, auto& m) { wire(m.request, m.answer); }
};

struct BrokerAskFiles {
    static constexpr Type kType = Type::broker_files_ask;
    RequestId request;
    FilesQuestion question;
    wire::Text<64> actor;

    static void fields(auto& wire, auto& m) { wire(m.request, m.question, m.actor); }
};

struct BrokerFiles {
    static constexpr Type kType = Type::broker_files_told;
    FilesTold told;

    static void fields(auto& wire, auto& m) { wire(m.told); }
};

// What lies in the session's directory is not what was sealed. At most one a second.
struct StoreDamaged {
    static constexpr Type kType = Type::store_damaged;

    static void fields(auto& wire, auto&) { wire(); }
};

inline constexpr std::array kBrokerMaySend{
    wire::Permit{helper::kReadyType, 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::store_damaged), 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::broker_resource_told), 0, kResourceAnswerBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::files_record), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::files_note), 0, 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::files_closed), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::files_check), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::contents_withheld), 0, kWithheldChangeBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::broker_files_told), 0, kFilesToldBytesMax + 64},
};
inline constexpr std::array kStorageMaySendBroker{
    wire::Permit{static_cast<std::uint16_t>(Type::broker_resource_ask), 0, kPathBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::files_channel), 1, 32},
    wire::Permit{static_cast<std::uint16_t>(Type::files_recorded), 0, 16},
    wire::Permit{static_cast<std::uint16_t>(Type::files_check_source), 1, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::files_checked), 0, 64},
    wire::Permit{static_cast<std::uint16_t>(Type::broker_files_ask), 0, kAskedPathBytesMax + 128},
};

}  // namespace ocu::proto
