// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/recover.h"

#include "audit/journal.h"
#include "audit/layout.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kKeyBytesMax = 1024;
constexpr std::size_t kTileBytes = kTileWidth * sizeof(Digest);
constexpr std::size_t kBundleBytesMax = kTileWidth * (2 + kRecordBytesMax);

template <class T, class Parse>
Result<std::optional<T>> read_optional(Disk& disk, int directory, std::string_view path, std::size_t bytes_max, Parse parse)
{
    auto const text = disk.read_file(directory, std::string(path), bytes_max);
    if (!text && text.error().fault == Fault::not_found) return std::optional<T>{};
    if (!text) return std::unexpected(text.error());
    return std::optional<T>(OCU_TRY(parse(*text)));
}

// The tree of the checkpoint, if the tiles on disk still give its root. They are derived: if they do not, the journal decides.
Result<Tree> tree_from_tiles(Disk& disk, int directory, Checkpoint const& checkpoint)
{
    std::vector<std::vector<Digest>> partial;
    for (unsigned level = 0; (checkpoint.size >> (level * kTileHeight)) != 0; ++level) {
        auto const width = partial_width(checkpoint.size, level);
        partial.emplace_back();
        if (width > 0) partial.back() = OCU_TRY(read_tile(disk, directory, level, partial_index(checkpoint.size, level), width));
    }
    auto tree = OCU_TRY(Tree::resume(checkpoint.size, std::move(partial)));
    if (tree.root() != checkpoint.root) return fail(Fault::malformed, "tiles do not give the checkpoint's root");
    return tree;
}

class Scan {
public:
    // `checkpoint`, `retained`: heads that were signed.
    Scan(Disk& disk, int directory, Derived& derived, std::optional<Checkpoint> checkpoint, std::optional<Checkpoint> retained)
        : disk_(disk), directory_(directory), derived_(derived), checkpoint_(std::move(checkpoint)), retained_(std::move(retained))
    {}

    // The hashes of records that were removed are in tiles alone: the tree begins with them, and the records that are there follow.
    // Whether they are the right ones is seen at the checkpoint's root. Before run(), on a tree without a record.
    Result<void> begin_at(std::uint64_t first_record)
    {
        removed_ = first_record;
        auto const whole = first_record / kTileWidth;
        for (std::uint64_t i = 0; i < whole; ++i)
            derived_.add_removed(OCU_TRY(read_tile(disk_, directory_, 0, i, kTileWidth)));
        auto const width = first_record % kTileWidth;
        if (width == 0) return {};
        auto const hashes = OCU_TRY(read_tile(disk_, directory_, 0, whole, width));
        auto const bundle = OCU_TRY(disk_.read_file(directory_, entries_path(whole, kTileWidth), kBundleBytesMax));
        auto const records = OCU_TRY(parse_bundle(bundle));
        if (records.size() < width) return fail(Fault::malformed, "bundle at the first record that is kept is too short");
        for (std::size_t i = 0; i < width; ++i) {
            if (leaf_hash(records[i]) != hashes[i]) return fail(Fault::malformed, "record in a bundle is not the one in its tile");
            derived_.add(records[i], hashes[i]);
        }
        return {};
    }

    // Reads segments from the last one that begins at or before the first record that is needed.
    Result<void> run(SegmentRow const& row, Recovered& out)
    {
        auto const segments = row.end;
        auto const known = std::max(derived_.tree().size() / kTileWidth * kTileWidth, removed_);
        first_wanted_ = known;
        std::uint64_t number = segments;
        std::string bytes;
        SegmentHeader header;
        do {
            bytes = OCU_TRY(disk_.read_file(directory_, segment_path(--number), kSegmentBytesMax));
            header = OCU_TRY(parse_header(bytes));
        } while (header.first_index > known && number > row.first);
        if (header.first_index > known) return fail(Fault::malformed, "first segment does not begin with the first record");
        index_ = header.first_index;
        chains_ = header.chains;
        for (;; ++number) {
            last_ = number + 1 == segments;
            OCU_CHECK(segment(bytes, out));
            if (last_) break;
            bytes = OCU_TRY(disk_.read_file(directory_, segment_path(number + 1), kSegmentBytesMax));
            header = OCU_TRY(parse_header(bytes));
            if (header != SegmentHeader{index_, chains_}) return fail(Fault::malformed, "segment does not continue the one before it");
        }
        // T-09: a log that ends before what was signed has been cut by somebody, not by a power failure.
        if (checkpoint_ && index_ < checkpoint_->size) return fail(Fault::malformed, "log ends before its checkpoint");
        if (retained_ && index_ < retained_->size) return fail(Fault::malformed, "log ends before its retention checkpoint");
        out.chains = chains_;
        out.last_segment_bytes = bytes.size();
        return {};
    }

private:
    Result<void> segment(std::string_view bytes, Recovered& out)
    {
        FrameReader reader(bytes);
        for (;;) {
            auto const frame = reader.next();
            if (!frame && !last_) return std::unexpected(frame.error());
            if (!frame || !*frame) break;
            OCU_CHECK(record(**frame));
        }
        auto const tail = reader.tail();
        if (!tail.empty() && !last_) return fail(Fault::malformed, "bytes after the end of a segment");
        if (last_) out.end_offset = reader.offset();
        if (last_ && !tail.empty()) out.repair = {tail.size(), crypto::sha256(tail)};
        return {};
    }

    Result<void> record(Frame const& frame)
    {
        auto const mark = OCU_TRY(read_mark(frame.record));
        if (mark.link != chains_.next(mark.source)) return fail(Fault::malformed, "record does not continue its source's chain");
        chains_.advance(mark.source, frame.record);
        auto const index = index_++;
        if (index < first_wanted_) return {};
        auto const& tree = derived_.tree();
        if (index < tree.size()) {
            if (tree.partial()[0][index % kTileWidth] != frame.leaf) return fail(Fault::malformed, "record is not the one in its tile");
            derived_.add_known(frame.record);
            return {};
        }
        derived_.add(frame.record, frame.leaf);
        if (checkpoint_ && tree.size() == checkpoint_->size && tree.root() != checkpoint_->root)
            return fail(Fault::malformed, "records do not give the checkpoint's root");
        if (retained_ && tree.size() == retained_->size && tree.root() != retained_->root)
            return fail(Fault::malformed, "records do not give the retention checkpoint's root");
        if (derived_.untiled() >= kUntiledRecordsMax) OCU_CHECK(derived_.write_full());
        return {};
    }

    Disk& disk_;
    int directory_;
    Derived& derived_;
    std::optional<Checkpoint> checkpoint_;
    std::optional<Checkpoint> retained_;
    Chains chains_;
    std::uint64_t index_ = 0;
    std::uint64_t first_wanted_ = 0;
    std::uint64_t removed_ = 0;
    bool last_ = false;
};

// T-38: a log whose beginning is missing was cut by its writer, as its own key says, or by somebody else.
Result<void> check_front(Disk& disk, int directory, SegmentRow const& row, Recovered& out)
{
    if (out.retention) OCU_CHECK(check_with_any_key(disk, directory, *out.retention));
    if (row.first == 0) return {};
    if (!out.retention || row.first > out.retention->terms.segment)
        return fail(Fault::malformed, "the log's beginning is missing, and no retention checkpoint lets it go");
    auto const bytes = OCU_TRY(disk.read_file(directory, segment_path(row.first), kSegmentBytesMax));
    auto const header = OCU_TRY(parse_header(bytes));
    if (row.first == out.retention->terms.segment && header != SegmentHeader{out.retention->terms.removed, out.retention->chains})
        return fail(Fault::malformed, "the first segment is not the one that the retention checkpoint keeps");
    out.first_record = header.first_index;
    return {};
}

}  // namespace

Result<SegmentRow> list_segments(Disk& disk, int directory)
{
    auto const names = OCU_TRY(disk.list(directory, "journal"));
    SegmentRow row;
    if (names.empty()) return row;
    row.first = row.end = OCU_TRY(parse_segment_name(names.front()));
    for (auto const& name : names)
        if ("journal/" + name != segment_path(row.end++)) return fail(Fault::malformed, "a segment of the journal is missing or foreign");
    return row;
}

Result<std::optional<VerifierKey>> read_key(Disk& disk, int directory)
{
    return read_optional<VerifierKey>(disk, directory, kKeyPath, kKeyBytesMax, [](std::string_view text) { return parse_key(text); });
}

Result<void> check_with_any_key(Disk& disk, int directory, SignedText const& note)
{
    for (auto const& name : OCU_TRY(disk.list(directory, "keys"))) {
        auto const text = OCU_TRY(disk.read_file(directory, "keys/" + name, kKeyBytesMax));
        if (auto const key = parse_key(text); key && check_note(note, *key)) return {};
    }
    return fail(Fault::malformed, "checkpoint is signed by no key of this log");
}

Result<std::optional<Note>> read_checkpoint(Disk& disk, int directory)
{
    return read_optional<Note>(disk, directory, kCheckpointPath, kNoteBytesMax, parse_note);
}

Result<std::vector<Digest>> read_tile(Disk& disk, int directory, unsigned level, std::uint64_t index, std::size_t width)
{
    auto bytes = disk.read_file(directory, tile_path(level, index, width), kTileBytes);
    if (!bytes && width < kTileWidth) {
        bytes = disk.read_file(directory, tile_path(level, index), kTileBytes);
        if (bytes) bytes->resize(std::min(bytes->size(), width * sizeof(Digest)));
    }
    if (!bytes) return std::unexpected(bytes.error());
    return parse_tile(*bytes, width);
}

Result<Recovered> recover(Disk& disk, int directory, Derived& derived)
{
    for (char const* const folder : {"journal", "tile", "tile/entries", "keys", "sources", "tmp"})
        OCU_CHECK(disk.make_folder(directory, folder));
    Recovered out;
    auto const row = OCU_TRY(list_segments(disk, directory));
    out.first_segment = row.first;
    out.segments = row.end;
    out.key = OCU_TRY(read_key(disk, directory));
    out.retention = OCU_TRY(read_retention(disk, directory));
    OCU_CHECK(check_front(disk, directory, row, out));
    auto const note = OCU_TRY(read_checkpoint(disk, directory));
    std::optional<Checkpoint> checkpoint;
    if (note) {
        OCU_CHECK(check_with_any_key(disk, directory, *note));
        checkpoint = note->checkpoint;
        out.checkpoint_size = checkpoint->size;
        auto tree = tree_from_tiles(disk, directory, *checkpoint);
        if (tree) derived.resume(std::move(*tree));
    }
    if (row.count() == 0) {
        if (out.checkpoint_size != 0 || out.retention) return fail(Fault::malformed, "checkpoint without a journal");
        return out;
    }
    std::optional<Checkpoint> retained;
    if (out.retention) retained = out.retention->checkpoint;
    Scan scan(disk, directory, derived, std::move(checkpoint), std::move(retained));
    if (derived.tree().size() == 0 && out.first_record != 0) OCU_CHECK(scan.begin_at(out.first_record));
    OCU_CHECK(scan.run(row, out));
    out.last_segment = OCU_TRY(disk.open(directory, segment_path(out.segments - 1), Open::existing_to_write));
    if (out.repair.bytes == 0) return out;
    OCU_CHECK(disk.write(out.last_segment.get(), std::string(out.repair.bytes, '\0'), out.end_offset));
    OCU_CHECK(disk.sync(out.last_segment.get()));
    return out;
}

}  // namespace ocu::audit
