// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One record of the sealed log and the head of a segment, to the byte: docs/formats/sealed-log.md. What is here takes bytes and gives bytes;
// it knows no file and no order of records. A record binds its segment, its offset, its number and its predecessor's (SB-3, T-28).
// Threading: any thread. Errors: denied (does not open), malformed (does not parse), os.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/crypto/aead.h"
#include "base/result.h"
#include "base/secret.h"
#include "storage/chunk_store.h"
#include "storage/segments.h"

namespace ocu::storage {

using Epoch = std::array<std::byte, 16>;

inline constexpr std::size_t kSegmentHeadBytes = 96;
inline constexpr std::size_t kRecordHeadBytes = 32;
inline constexpr std::size_t kRecordPrefixBytes = 16;  // a and b, first in the sealed text
inline constexpr std::size_t kRecordTagBytes = crypto::Aes256Gcm::kTagBytes;
inline constexpr std::size_t kRecordBytesLeast = kRecordHeadBytes + kRecordTagBytes;  // of an `end`
inline constexpr std::size_t kTextBytesMax = kRecordPrefixBytes + kChangesBytesMax;
inline constexpr std::size_t kRecordBytesMax = kRecordBytesLeast + kTextBytesMax;

enum class RecordKind : std::uint8_t {
    chunk = 1,
    changes,
    snapshot_begin,
    snapshot_part,
    snapshot_end,
    removed,
    end,
    kLast = end,
};

struct SegmentHead {
    SegmentNumber segment = 0;
    Epoch epoch{};
    Epoch epoch_before{};
    std::uint64_t number_before = 0;
};
using SegmentHeadBytes = std::span<std::byte, kSegmentHeadBytes>;
using ConstSegmentHeadBytes = std::span<std::byte const, kSegmentHeadBytes>;

void encode(SegmentHead const& head, Secret const& data_key, SegmentHeadBytes out);
// Empty: another key, altered, or no head at all.
std::optional<SegmentHead> decode_segment_head(ConstSegmentHeadBytes bytes, Secret const& data_key);
// The key of the segment's records. Errors: os.
Result<crypto::Aes256Gcm> key_of(SegmentHead const& head, Secret const& data_key);

struct RecordHead {
    std::uint32_t text_bytes = 0;
    RecordKind kind{};
    std::uint64_t number = 0;
    std::uint32_t step = 0;
    std::uint64_t synced = 0;

    std::size_t record_bytes() const { return kRecordBytesLeast + text_bytes; }
};
struct RecordPlace {
    SegmentNumber segment = 0;
    std::uint32_t offset = 0;
};

// What a body of this many bytes takes up in a record: its class of length, which is all that shows of it.
std::size_t padded(std::size_t body_bytes);

// Empty if it does not parse: a kind that there is not, a length that the kind cannot have, a zero number or step, a bit where zeros belong.
std::optional<RecordHead> decode_record_head(std::span<std::byte const, kRecordHeadBytes> bytes);

// `record`: head.record_bytes(), the text in its place; the head and the tag are written, the text is sealed.
Result<void> seal_record(crypto::Aes256Gcm const& key, RecordHead const& head, RecordPlace place, std::span<std::byte> record);
// `record`: head.record_bytes(), its head the one that `head` was decoded from; the text is opened in place.
Result<void> open_record(crypto::Aes256Gcm const& key, RecordHead const& head, RecordPlace place, std::span<std::byte> record);

// An opened text, not of an `end`.
struct RecordText {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::span<std::byte const> body;  // with its zeros
};
void encode_prefix(std::uint64_t a, std::uint64_t b, std::span<std::byte, kRecordPrefixBytes> out);
RecordText text_of(RecordHead const& head, std::span<std::byte const> record);
// The body of a journal's record without its zeros; empty optional if it says that it is longer than it can be.
std::optional<std::span<std::byte const>> journal_body(RecordText const& text);

}  // namespace ocu::storage
