// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/sealed_record. The example of docs/formats/sealed-log.md, and what a record is bound to.
#include <catch2/catch_test_macros.hpp>

#include "base/crypto/crypto.h"
#include "storage/sealed_record.h"
#include "support/model_tree.h"

namespace test_sealed_record {

using namespace ocu;
using namespace ocu::storage;

std::string hex(std::span<std::byte const> bytes)
{
    return crypto::to_hex({reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()});
}

struct SealedRecordTest {
    SealedRecordTest()
    {
        for (std::size_t i = 0; i < head.epoch.size(); ++i) head.epoch[i] = static_cast<std::byte>(0x40 + i);
        head.segment = 1;
    }
    crypto::Aes256Gcm key() const { return key_of(head, data_key).value(); }
    static std::vector<std::byte> sealed(
        crypto::Aes256Gcm const& key, RecordHead record, RecordPlace place, std::uint64_t a, std::uint64_t b, std::string_view body)
    {
        record.text_bytes = static_cast<std::uint32_t>(kRecordPrefixBytes + padded(body.size()));
        std::vector<std::byte> out(record.record_bytes());
        encode_prefix(a, b, std::span(out).subspan<kRecordHeadBytes, kRecordPrefixBytes>());
        std::ranges::copy(crypto::as_bytes(body), out.begin() + kRecordHeadBytes + kRecordPrefixBytes);
        REQUIRE(seal_record(key, record, place, out));
        return out;
    }
    static RecordHead head_of(std::span<std::byte const> record) { return decode_record_head(record.first<kRecordHeadBytes>()).value(); }

    Secret data_key = log_key();
    SegmentHead head;
};

TEST_CASE_METHOD(SealedRecordTest,
    "sealed_record: given the documented example, when it is made again, then every byte is the documented one", "[storage][SB-3]")
{
    std::vector<std::byte> segment(kSegmentHeadBytes);
    encode(head, data_key, std::span(segment).first<kSegmentHeadBytes>());
    auto const first = sealed(key(), {.kind = RecordKind::chunk, .number = 1, .step = 1}, {1, 96}, 7, 3, "hello");
    segment.insert(segment.end(), first.begin(), first.end());
    auto const second = sealed(key(), {.kind = RecordKind::changes, .number = 2, .step = 1}, {1, 416}, 2, 0, "ab");
    REQUIRE(segment.size() == 416);
    segment.insert(segment.end(), second.begin(), second.end());
    std::vector<std::byte> last(kRecordBytesLeast);
    REQUIRE(seal_record(key(), {.kind = RecordKind::end, .number = 3, .step = 1}, {1, 736}, last));
    segment.insert(segment.end(), last.begin(), last.end());
    CHECK(hex(std::span(last).last(16)) == "1f23f5aa3335ba2b32b312e5fadc597a");
    CHECK(hex(std::span(segment).subspan(64, 32)) == "63c25c072a3ec645d0e4d94706201aceb4924f1060c9a04bf8a0083fe9e92536");
    CHECK(hex(std::span(first).first(48)) ==
          "10010000010000000100000000000000010000000000000000000000000000004f2b7c1fb2c823a467317890beaceb16");
    CHECK(hex(std::span(first).last(16)) == "d2a622364e20a68a93c4fcc3a3452d65");
    CHECK(hex(std::span(second).last(16)) == "87fd7d1a6f9f39fcd550f5cc7948dc3a");
    CHECK(crypto::to_hex(crypto::sha256(segment)) == "7dd472c0b6ed70a4ab8ffe1bb6ae31dcd670c3bbc44718c3106db27fda1700fe");
}

TEST_CASE_METHOD(SealedRecordTest, "sealed_record: given a record, when any bit of it is another, then it does not parse or does not open",
    "[storage][SB-3][T-28]")
{
    auto const record = sealed(key(), {.kind = RecordKind::chunk, .number = 9, .step = 2, .synced = 3}, {1, 4'096}, 7, 3, "text");
    auto const opens = [this](std::vector<std::byte> bytes) {
        auto const parsed = decode_record_head(std::span<std::byte const>(bytes).first<kRecordHeadBytes>());
        return parsed && parsed->record_bytes() == bytes.size() && open_record(key(), *parsed, {1, 4'096}, bytes);
    };
    REQUIRE(opens(record));
    for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
        auto altered = record;
        altered[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        CHECK_FALSE(opens(altered));
    }
}

TEST_CASE_METHOD(SealedRecordTest, "sealed_record: given a record, when it stands in another place or segment, then it does not open",
    "[storage][SB-3][T-28]")
{
    auto const record = sealed(key(), {.kind = RecordKind::changes, .number = 9, .step = 1}, {1, 96}, 2, 0, "ab");
    auto const opens = [&](crypto::Aes256Gcm const& with, RecordPlace place) {
        auto copy = record;
        return open_record(with, head_of(copy), place, copy).has_value();
    };
    CHECK(opens(key(), {1, 96}));
    CHECK_FALSE(opens(key(), {1, 97}));
    CHECK_FALSE(opens(key(), {2, 96}));
    auto other = head;
    other.epoch[0] ^= std::byte{1};
    CHECK_FALSE(opens(key_of(other, data_key).value(), {1, 96}));
    other = head;
    other.number_before = 1;
    CHECK_FALSE(opens(key_of(other, data_key).value(), {1, 96}));
    CHECK_FALSE(opens(key_of(head, log_key(1)).value(), {1, 96}));
}

TEST_CASE_METHOD(SealedRecordTest,
    "sealed_record: given a segment's head, when any bit or the key is another, then it is not taken for one", "[storage][SB-3][T-28]")
{
    std::array<std::byte, kSegmentHeadBytes> bytes{};
    encode(head, data_key, bytes);
    auto const read = decode_segment_head(bytes, data_key);
    REQUIRE(read);
    CHECK((read->segment == 1 && read->epoch == head.epoch && read->number_before == 0));
    CHECK_FALSE(decode_segment_head(bytes, log_key(1)));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto altered = bytes;
        altered[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        CHECK_FALSE(decode_segment_head(altered, data_key));
    }
}

TEST_CASE_METHOD(SealedRecordTest,
    "sealed_record: given the end of a segment, when it is sealed twice, then it is the same, and it can say nothing of its own",
    "[storage][SB-3]")
{
    RecordHead const end{.kind = RecordKind::end, .number = 5, .step = 1};
    std::vector<std::byte> one(kRecordBytesLeast), again(kRecordBytesLeast);
    REQUIRE(seal_record(key(), end, {1, 96}, one));
    REQUIRE(seal_record(key(), end, {1, 96}, again));
    CHECK(one == again);
    RecordHead late = end;
    late.synced = 1;
    std::vector<std::byte> told(kRecordBytesLeast);
    REQUIRE(seal_record(key(), late, {1, 96}, told));
    CHECK_FALSE(decode_record_head(std::span<std::byte const>(told).first<kRecordHeadBytes>()));
}

TEST_CASE("sealed_record: given bodies of all sizes, when they are padded, then seven lengths of chunks show", "[storage][SB-3]")
{
    std::set<std::size_t> shown;
    for (std::size_t bytes = 0; bytes <= kChunkBytes; ++bytes) {
        REQUIRE(padded(bytes) >= bytes);
        shown.insert(padded(bytes));
    }
    CHECK(shown.size() == 7);
    CHECK(padded(kChunkBytes) == kChunkBytes);
    CHECK(padded(kChunkBytes + 1) == 2 * kChunkBytes);
    CHECK(padded(kChangesBytesMax) == kChangesBytesMax);
}

}  // namespace test_sealed_record
