// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a session's store as somebody with the disk left it, opened with the session's key. In one form the input is the segments' bytes; in
// the other it is records before they are sealed, as one with the key could write them, so that what lies behind the seal is met as well.
// Whatever it is: it opens or it does not, what opened once opens again to the same, and is written on.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "storage/sealed_log.h"
#include "support/memory_segments.h"
#include "support/model_tree.h"

using namespace ocu;
using namespace ocu::storage;

namespace {

class Input {
public:
    explicit Input(std::span<std::byte const> bytes) : rest_(bytes) {}
    bool empty() const { return rest_.empty(); }
    std::span<std::byte const> take(std::size_t bytes)
    {
        auto const part = rest_.first(std::min(bytes, rest_.size()));
        rest_ = rest_.subspan(part.size());
        return part;
    }
    template <class T>
    T number()
    {
        T value{};
        auto const part = take(sizeof value);
        if (!part.empty()) std::memcpy(&value, part.data(), part.size());
        return value;
    }

private:
    std::span<std::byte const> rest_;
};

// u8 count of segments, then for each its u8 number, u16 size and bytes.
void raw(Input input, MemoryDisk& disk)
{
    for (auto left = input.number<std::uint8_t>() % 8; left > 0 && !input.empty(); --left) {
        auto const number = input.number<std::uint8_t>();
        auto const bytes = input.take(input.number<std::uint16_t>());
        if (number != 0) disk.segments[number] = {bytes.begin(), bytes.end()};
    }
}

// Each record: u8 what it is (high bit: a new segment first), u8 step, u8 how far synced, u8 a, u8 b, u8 size of the body, body.
void sealed(Input input, MemoryDisk& disk)
{
    auto const key = log_key();
    SegmentHead head;
    std::uint64_t last = 0;
    auto const begin = [&] {
        ++head.segment;
        head.epoch_before = head.epoch;
        head.epoch.fill(static_cast<std::byte>(head.segment));
        head.number_before = last;
        auto& segment = disk.segments[head.segment];
        segment.resize(kSegmentHeadBytes);
        encode(head, key, std::span(segment).first<kSegmentHeadBytes>());
    };
    begin();
    while (!input.empty() && last < 200) {
        auto const what = input.number<std::uint8_t>();
        if ((what & 0x80) != 0 && head.segment < 20) begin();
        RecordHead record{.kind = static_cast<RecordKind>(1 + (what & 0x7f) % 7)};
        record.step = std::max<std::uint32_t>(1, input.number<std::uint8_t>() % 4);
        record.number = last + record.step;
        record.synced = std::min<std::uint64_t>(input.number<std::uint8_t>(), record.number - 1);
        auto const a = input.number<std::uint8_t>();
        auto const b = input.number<std::uint8_t>();
        auto const body = input.take(input.number<std::uint8_t>());
        bool const end = record.kind == RecordKind::end;
        if (end) record = {.kind = RecordKind::end, .number = last + 1, .step = 1};
        record.text_bytes = end ? 0 : static_cast<std::uint32_t>(kRecordPrefixBytes + padded(body.size()));
        std::vector<std::byte> bytes(record.record_bytes());
        if (!end) {
            encode_prefix(a, b, std::span(bytes).subspan<kRecordHeadBytes, kRecordPrefixBytes>());
            std::ranges::copy(body, bytes.begin() + kRecordHeadBytes + kRecordPrefixBytes);
        }
        auto& segment = disk.segments[head.segment];
        OCU_ASSERT(seal_record(*key_of(head, key), record, {head.segment, static_cast<std::uint32_t>(segment.size())}, bytes));
        segment.insert(segment.end(), bytes.begin(), bytes.end());
        last = record.number;
    }
}

std::expected<SealedLog::Opened, SealedLog::Damage> open(MemoryDisk& disk, std::vector<std::byte>& applied)
{
    applied.clear();
    return SealedLog::open(
        std::make_unique<MemorySegments>(disk), log_key(), [&applied](std::span<std::byte const> changes) -> Answer<void> {
            OCU_ASSERT(changes.size() <= kChangesBytesMax);
            applied.insert(applied.end(), changes.begin(), changes.end());
            return {};
        });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    Input input(std::as_bytes(std::span(data, size)));
    MemoryDisk disk;
    if (input.number<std::uint8_t>() % 2 == 0)
        raw(input, disk);
    else
        sealed(input, disk);
    auto const before = disk.segments;
    std::vector<std::byte> first;
    {
        auto const opened = open(disk, first);
        OCU_ASSERT(opened.has_value() || disk.segments == before);
        if (!opened) return 0;
        OCU_ASSERT(opened->log->size().bytes == disk.bytes());
        // The whole tree is one batch.
        opened->log->keep_house({[](Inode inode, std::uint64_t, ChunkPlace const&, ChunkPlace const&) { return inode % 2 == 0; },
            [](auto const& each) -> Answer<void> { return each(std::span<std::byte const>{}); }});
    }
    std::vector<std::byte> second;
    auto const again = open(disk, second);
    OCU_ASSERT(again.has_value() && again->cut.bytes == 0 && again->cut.segments == 0 && first == second);
    std::vector<std::byte> const plain(kChunkBytes + 1, std::byte{7});
    auto const places = again->log->append(2, 0, plain);
    std::vector<std::byte> into(plain.size());
    OCU_ASSERT(places.has_value() && again->log->read(2, 0, *places, into).has_value() && into == plain);
    OCU_ASSERT(again->log->append_changes(plain).has_value() && again->log->sync().has_value());
    for (int i = 0; i < 4; ++i) OCU_ASSERT(again->log->housekeeping_step().has_value());
    return 0;
}
