// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Storage asks, the parser helper answers, one request at a time: look inside this image or archive, or is this upload an archive that may come
// in. The bytes of an upload are not sent: with the question comes a channel to its session's broker, on which its ranges can be read
// (proto/parser_to_broker.h). The parser is where strangers' archives and images are opened, so its
// answers are taken as text and images that a guest might have made: bounded, shown, never interpreted (T-16).

#include <array>

#include "base/id.h"
#include "proto/archive_verdict.h"
#include "proto/tool.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

struct ParserConfig {
    std::uint16_t image_side_px_max = 1280;

    static void fields(auto& wire, auto& m) { wire(m.image_side_px_max); }
};

struct Inspect {
    static constexpr Type kType = Type::inspect;

    RequestId request;
    Content content{};  // image or archive
    wire::Text<kAnswerBytesMax> body;

    static void fields(auto& wire, auto& m) { wire(m.request, m.content, m.body); }
};

struct Inspected {
    static constexpr Type kType = Type::inspected;

    RequestId request;
    bool good = false;
    Content content{};  // image, with its type, or text
    wire::Text<64> mime;
    wire::Text<kAnswerBytesMax> body;

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.content, m.mime, m.body); }
};

// The descriptor is the parser's end of the channel to that one upload.
struct CheckArchive {
    static constexpr Type kType = Type::check_archive;

    RequestId request;
    std::uint64_t bytes = 0;

    static void fields(auto& wire, auto& m) { wire(m.request, m.bytes); }
};

struct ArchiveChecked {
    static constexpr Type kType = Type::archive_checked;

    RequestId request;
    ArchiveVerdict verdict;

    static void fields(auto& wire, auto& m) { wire(m.request, m.verdict); }
};

inline constexpr std::uint32_t kInspectFrameBytesMax = kAnswerBytesMax + 256;
inline constexpr std::array kParserMaySend{
    wire::Permit{static_cast<std::uint16_t>(Type::inspected), 0, kInspectFrameBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::archive_checked), 0, 64},
};
inline constexpr std::array kStorageMaySendParser{
    wire::Permit{static_cast<std::uint16_t>(Type::inspect), 0, kInspectFrameBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::check_archive), 1, 16},
};

}  // namespace ocu::proto
