// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/sealed_record.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "base/crypto/crypto.h"

namespace ocu::storage {

namespace {

constexpr std::string_view kMagic = "OCUSEALD";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kCheckedBytes = 64;  // of a segment's head
constexpr std::size_t kPaddedLeast = 256;
constexpr std::string_view kHeadUse{"ocu sealed log: header\0", 23};
constexpr std::string_view kRecordUse{"ocu sealed log: records\0", 24};

static_assert(std::endian::native == std::endian::little, "integers are copied as they lie in memory");

template <std::unsigned_integral T>
void put(std::span<std::byte> out, std::size_t at, T value)
{
    std::memcpy(out.subspan(at, sizeof value).data(), &value, sizeof value);
}

template <std::unsigned_integral T>
T get(std::span<std::byte const> bytes, std::size_t at)
{
    T value{};
    std::memcpy(&value, bytes.subspan(at, sizeof value).data(), sizeof value);
    return value;
}

bool all_zero(std::span<std::byte const> bytes)
{
    return std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{}; });
}

void encode_checked(SegmentHead const& head, std::span<std::byte, kCheckedBytes> out)
{
    std::ranges::fill(out, std::byte{});
    std::ranges::copy(crypto::as_bytes(kMagic), out.begin());
    put(out, 8, kVersion);
    put(out, 12, head.segment);
    std::ranges::copy(head.epoch, out.subspan(16).begin());
    std::ranges::copy(head.epoch_before, out.subspan(32).begin());
    put(out, 48, head.number_before);
}

crypto::Digest derived(Secret const& data_key, std::string_view use, std::span<std::byte const, kCheckedBytes> checked)
{
    std::vector<std::byte> message(use.size() + checked.size());
    std::ranges::copy(checked, std::ranges::copy(crypto::as_bytes(use), message.begin()).out);
    return crypto::hmac_sha256(data_key, message);
}

void encode(RecordHead const& head, std::span<std::byte, kRecordHeadBytes> out)
{
    std::ranges::fill(out, std::byte{});
    put(out, 0, head.text_bytes);
    put(out, 4, static_cast<std::uint8_t>(head.kind));
    put(out, 8, head.number);
    put(out, 16, head.step);
    put(out, 24, head.synced);
}

bool is_length_of(RecordKind kind, std::size_t text_bytes)
{
    if (kind == RecordKind::end) return text_bytes == 0;
    if (text_bytes <= kRecordPrefixBytes) return false;
    auto const body = text_bytes - kRecordPrefixBytes;
    return padded(body) == body && body <= (kind == RecordKind::chunk ? kChunkBytes : kChangesBytesMax);
}

// The last record of a segment is sealed anew, the same, by whoever opens a log that was cut short: it has nonces of its own.
crypto::Aes256Gcm::Nonce nonce_of(RecordHead const& head)
{
    crypto::Aes256Gcm::Nonce nonce{};
    put(nonce, 0, std::uint32_t{head.kind == RecordKind::end});
    put(nonce, 4, head.number);
    return nonce;
}

using Associated = std::array<std::byte, kRecordHeadBytes + 8>;
Associated associated_of(std::span<std::byte const> head, RecordPlace place)
{
    Associated out{};
    std::ranges::copy(head.first(kRecordHeadBytes), out.begin());
    put(out, kRecordHeadBytes, place.segment);
    put(out, kRecordHeadBytes + 4, place.offset);
    return out;
}

}  // namespace

std::size_t padded(std::size_t body_bytes)
{
    if (body_bytes <= kChunkBytes) return std::max(std::bit_ceil(body_bytes), kPaddedLeast);
    return (body_bytes + kChunkBytes - 1) / kChunkBytes * kChunkBytes;
}
static_assert(std::has_single_bit(kChunkBytes) && kChangesBytesMax % kChunkBytes == 0);

void encode(SegmentHead const& head, Secret const& data_key, SegmentHeadBytes out)
{
    encode_checked(head, out.first<kCheckedBytes>());
    auto const check = derived(data_key, kHeadUse, out.first<kCheckedBytes>());
    std::ranges::copy(std::as_bytes(std::span(check)), out.subspan(kCheckedBytes).begin());
}

std::optional<SegmentHead> decode_segment_head(ConstSegmentHeadBytes bytes, Secret const& data_key)
{
    SegmentHead head{.segment = get<std::uint32_t>(bytes, 12), .number_before = get<std::uint64_t>(bytes, 48)};
    std::ranges::copy(bytes.subspan(16, head.epoch.size()), head.epoch.begin());
    std::ranges::copy(bytes.subspan(32, head.epoch_before.size()), head.epoch_before.begin());
    std::array<std::byte, kSegmentHeadBytes> expected{};
    encode(head, data_key, expected);
    if (!equal_constant_time(expected, bytes)) return std::nullopt;
    return head;
}

Result<crypto::Aes256Gcm> key_of(SegmentHead const& head, Secret const& data_key)
{
    std::array<std::byte, kCheckedBytes> checked{};
    encode_checked(head, checked);
    auto key = derived(data_key, kRecordUse, checked);
    auto const bytes = std::as_writable_bytes(std::span(key));
    auto aead = crypto::Aes256Gcm::make(bytes);
    wipe(bytes);
    return aead;
}

std::optional<RecordHead> decode_record_head(std::span<std::byte const, kRecordHeadBytes> bytes)
{
    auto const kind = get<std::uint8_t>(bytes, 4);
    RecordHead const head{.text_bytes = get<std::uint32_t>(bytes, 0),
        .kind = static_cast<RecordKind>(kind),
        .number = get<std::uint64_t>(bytes, 8),
        .step = get<std::uint32_t>(bytes, 16),
        .synced = get<std::uint64_t>(bytes, 24)};
    if (kind == 0 || kind > static_cast<std::uint8_t>(RecordKind::kLast)) return std::nullopt;
    if (!is_length_of(head.kind, head.text_bytes)) return std::nullopt;
    if (head.number == 0 || head.step == 0 || head.step > head.number || head.synced >= head.number) return std::nullopt;
    if (head.kind == RecordKind::end && (head.step != 1 || head.synced != 0)) return std::nullopt;
    if (!all_zero(bytes.subspan(5, 3)) || !all_zero(bytes.subspan(20, 4))) return std::nullopt;
    return head;
}

Result<void> seal_record(crypto::Aes256Gcm const& key, RecordHead const& head, RecordPlace place, std::span<std::byte> record)
{
    OCU_ASSERT(record.size() == head.record_bytes() && is_length_of(head.kind, head.text_bytes));
    encode(head, record.first<kRecordHeadBytes>());
    return key.seal(
        nonce_of(head), associated_of(record, place), record.subspan(kRecordHeadBytes, head.text_bytes), record.last<kRecordTagBytes>());
}

Result<void> open_record(crypto::Aes256Gcm const& key, RecordHead const& head, RecordPlace place, std::span<std::byte> record)
{
    OCU_ASSERT(record.size() == head.record_bytes());
    return key.open(
        nonce_of(head), associated_of(record, place), record.subspan(kRecordHeadBytes, head.text_bytes), record.last<kRecordTagBytes>());
}

void encode_prefix(std::uint64_t a, std::uint64_t b, std::span<std::byte, kRecordPrefixBytes> out)
{
    put(out, 0, a);
    put(out, 8, b);
}

RecordText text_of(RecordHead const& head, std::span<std::byte const> record)
{
    OCU_ASSERT(head.kind != RecordKind::end);
    auto const text = record.subspan(kRecordHeadBytes, head.text_bytes);
    return {get<std::uint64_t>(text, 0), get<std::uint64_t>(text, 8), text.subspan(kRecordPrefixBytes)};
}

std::optional<std::span<std::byte const>> journal_body(RecordText const& text)
{
    if (text.a > text.body.size()) return std::nullopt;
    return text.body.first(static_cast<std::size_t>(text.a));
}

}  // namespace ocu::storage
