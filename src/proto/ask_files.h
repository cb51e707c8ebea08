// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An operator's word about files of one session: which are there and may leave it, that one may not, that it may (SB-5). Control asks the storage
// thread once the question is on record, that asks the session's broker, and the answer goes the same way back.

#include <algorithm>
#include <array>

#include "base/id.h"
#include "proto/reason.h"
#include "wire/text.h"

namespace ocu::proto {

enum class FilesVerb : std::uint8_t { list, withhold, release, kLast = release };

inline constexpr std::size_t kAskedPathBytesMax = 4000;  // as the file API takes it

struct FilesQuestion {
    FilesVerb verb{};
    wire::Text<kAskedPathBytesMax> path;  // list: after this one; empty: from the beginning

    static void fields(auto& wire, auto& m) { wire(m.verb, m.path); }
};

// Why it may not leave, or that it may.
enum class FileStanding : std::uint8_t { free, by_operator, by_label, by_rule, as_copy, unsure, released, kLast = released };

constexpr std::string_view name_of(FileStanding standing)
{
    constexpr std::string_view kNames[] = {"free", "operator", "label", "rule", "copy", "unsure", "released"};
    return kNames[static_cast<std::size_t>(standing)];
}

struct FileShown {
    wire::Text<kAskedPathBytesMax> path;
    std::uint64_t size = 0;
    FileStanding standing{};
    wire::Text<256> by;  // the rule, or the operator who has said so

    static void fields(auto& wire, auto& m) { wire(m.path, m.size, m.standing, m.by); }
};

inline constexpr std::size_t kFilesShownMax = 256;
inline constexpr std::size_t kFilesToldBytesMax = 48u << 10;  // of entries; a page ends before that

struct FilesTold {
    RequestId request;
    Reason reason = Reason::none;
    wire::List<FileShown, kFilesShownMax> files;  // list: a page; else the one that was spoken of, as it is now
    bool more = false;

    static void fields(auto& wire, auto& m) { wire(m.request, m.reason, m.files, m.more); }
};

// control -> storage
struct FilesAskWanted {
    RequestId request;
    SessionId session;
    FilesQuestion question;
    wire::Text<64> actor;  // the operator
};

}  // namespace ocu::proto
