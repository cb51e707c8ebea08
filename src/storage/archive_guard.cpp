// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/archive_guard.h"

#include <archive_entry.h>
#include <sys/stat.h>

#include <array>
#include <expected>
#include <optional>
#include <string>

#include "storage/archive_reader.h"
#include "storage/archive_rules.h"
#include "storage/zip_directory.h"
#include "wire/json.h"

namespace ocu::storage {

using proto::ArchiveRule;

namespace {

using Judged = std::expected<void, ArchiveRule>;

constexpr std::size_t kDrainBytes = 64u << 10;

std::unexpected<ArchiveRule> no(ArchiveRule rule) { return std::unexpected(rule); }
std::string_view text_or_empty(char const* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

class SourceStream final : public ByteStream {
public:
    explicit SourceStream(ByteSource& source) : source_(source) {}
    Result<std::size_t> pull(std::span<std::byte> into) override
    {
        auto const got = OCU_TRY(source_.read_at(at_, into));
        at_ += got;
        return got;
    }

private:
    ByteSource& source_;
    std::uint64_t at_ = 0;
};

// A stream of which the beginning has been looked at.
class Peeked final : public ByteStream {
public:
    explicit Peeked(ByteStream& rest) : rest_(rest) {}
    Result<std::string_view> peek()
    {
        while (head_.size() < kSniffBytes) {
            std::array<std::byte, kSniffBytes> more{};
            auto const got = OCU_TRY(rest_.pull(std::span(more).first(kSniffBytes - head_.size())));
            if (got == 0) break;
            head_.append(reinterpret_cast<char const*>(more.data()), got);
        }
        return std::string_view(head_);
    }
    Result<std::size_t> pull(std::span<std::byte> into) override
    {
        if (taken_ == head_.size()) return rest_.pull(into);
        auto const count = std::min(into.size(), head_.size() - taken_);
        std::memcpy(into.data(), head_.data() + taken_, count);
        taken_ += count;
        return count;
    }

private:
    ByteStream& rest_;
    std::string head_;
    std::size_t taken_ = 0;
};

class Guard {
public:
    Guard(ArchiveBounds const& bounds, std::uint64_t packed) : bounds_(bounds), packed_bytes_(std::max<std::uint64_t>(packed, 1))
    {
        bounds_.unpacked_bytes_max = std::max(bounds.unpacked_bytes_max, 2 * std::min(packed, UINT64_MAX / 2));
    }

    Judged whole(ByteSource& upload)
    {
        SourceStream stream(upload);
        Peeked head(stream);
        auto const first = head.peek();
        if (!first) return no(ArchiveRule::unchecked);
        auto const kind = archive_kind_of(*first);
        if (kind == ArchiveKind::none) return no(ArchiveRule::unreadable);
        auto const good = open_layer(kind, head, &upload, 1);
        verdict.unpacked_bytes = std::max(verdict.unpacked_bytes, decompressed_bytes_);
        return good;
    }
    proto::ArchiveVerdict verdict{};

private:
    class EntryStream;
    struct Layer {
        ArchiveReader& reader;
        ArchiveKind kind;
        std::size_t number;
        std::vector<ZipEntry> const& zip;
        NameBook names{};
        std::size_t seen = 0;  // entries
    };

    Judged open_layer(ArchiveKind kind, ByteStream& stream, ByteSource* source, std::size_t number);
    Judged from_its_end(ArchiveKind kind, ByteStream& stream, ByteSource* source, std::size_t number);
    Judged hold(ByteStream& stream, std::string& out);
    Judged entries(Layer& layer);
    Judged judge_entry(Layer& layer, archive_entry* entry);
    Judged judge_kind(Layer& layer, archive_entry* entry, std::string_view name);
    Judged contents(Layer& layer, archive_entry* entry);
    Judged close_names(Layer& layer);
    Judged drain(ByteStream& stream);
    Judged spend(std::uint64_t& sum, std::uint64_t bytes);
    // Why something ended: what was decided within, else that it could not be read.
    std::unexpected<ArchiveRule> failed() const { return no(within_.value_or(ArchiveRule::unreadable)); }

    ArchiveBounds bounds_;
    std::uint64_t packed_bytes_;
    std::uint64_t decompressed_bytes_ = 0;  // of streams that are no entries: a tar in a gzip is not twice as much
    std::uint64_t held_bytes_ = 0;
    std::optional<ArchiveRule> within_;
    // Where bytes go that are only counted.
    std::unique_ptr<std::byte[]> sink_ = std::make_unique_for_overwrite<std::byte[]>(kDrainBytes);
};

// One entry's bytes, counted as they come out.
class Guard::EntryStream final : public ByteStream {
public:
    EntryStream(Guard& guard, Layer const& layer, std::uint64_t claimed) : guard_(guard), layer_(layer), paid_(claimed) {}
    Result<std::size_t> pull(std::span<std::byte> into) override
    {
        auto const got = ::archive_read_data(layer_.reader.get(), into.data(), into.size());
        if (got < 0) {
            // Said here: whoever reads an archive inside sees only that its bytes end.
            if (!guard_.within_) guard_.within_ = layer_.reader.source_failed() ? ArchiveRule::unchecked : ArchiveRule::unreadable;
            return fail(Fault::malformed, "archive entry");
        }
        auto const count = static_cast<std::uint64_t>(got);
        auto const unpaid = count - std::min(count, paid_);
        paid_ -= count - unpaid;
        auto& sum = is_compressed_stream(layer_.kind) ? guard_.decompressed_bytes_ : guard_.verdict.unpacked_bytes;
        if (auto const good = guard_.spend(sum, unpaid); !good) {
            guard_.within_ = good.error();
            return fail(Fault::over_limit, "archive unpacks to too much");
        }
        return static_cast<std::size_t>(got);
    }

private:
    Guard& guard_;
    Layer const& layer_;
    std::uint64_t paid_;
};

Judged Guard::spend(std::uint64_t& sum, std::uint64_t bytes)
{
    sum += std::min(bytes, UINT64_MAX - sum);
    if (sum > bounds_.ratio_from_bytes && sum / packed_bytes_ > bounds_.ratio_max) return no(ArchiveRule::ratio);
    return sum > bounds_.unpacked_bytes_max ? Judged(no(ArchiveRule::size)) : Judged{};
}

Judged Guard::drain(ByteStream& stream)
{
    for (;;) {
        auto const got = stream.pull(std::span(sink_.get(), kDrainBytes));
        if (!got) return failed();
        if (*got == 0) return {};
    }
}

Judged Guard::open_layer(ArchiveKind kind, ByteStream& stream, ByteSource* source, std::size_t number)
{
    if (number > bounds_.layers_max) return no(ArchiveRule::nesting);
    if (kind == ArchiveKind::zip || kind == ArchiveKind::seven_zip) return from_its_end(kind, stream, source, number);
    auto const reader = ArchiveReader::in_order(kind, stream);
    if (!reader) return failed();
    std::vector<ZipEntry> const none;
    Layer layer{**reader, kind, number, none};
    if (auto const good = entries(layer); !good) return good;
    return drain(stream);
}

Judged Guard::hold(ByteStream& stream, std::string& out)
{
    for (;;) {
        auto const got = stream.pull(std::span(sink_.get(), kDrainBytes));
        if (!got) return failed();
        if (*got == 0) return {};
        if (held_bytes_ + *got > bounds_.held_bytes_max) return no(ArchiveRule::nesting);
        held_bytes_ += *got;
        out.append(reinterpret_cast<char const*>(sink_.get()), *got);
    }
}

Judged Guard::from_its_end(ArchiveKind kind, ByteStream& stream, ByteSource* source, std::size_t number)
{
    std::string held;
    std::optional<MemorySource> memory;
    if (source == nullptr) {
        if (auto const good = hold(stream, held); !good) return good;
        source = &memory.emplace(std::as_bytes(std::span(held)));
    }
    ZipDirectory directory;
    if (kind == ArchiveKind::zip) {
        auto read = read_zip_directory(*source, bounds_.entries_max - verdict.entries);
        if (!read) return no(read.error());
        directory = *std::move(read);
        verdict.not_utf8 += directory.not_utf8;
        verdict.case_twins += directory.names.case_twins;
        std::uint64_t claimed = 0;
        for (auto const& each : directory.entries) claimed += std::min(each.unpacked_bytes, UINT64_MAX - claimed);
        // The sum is known before anything is unpacked; what comes out is counted all the same.
        auto sum = verdict.unpacked_bytes;
        if (auto const good = spend(sum, claimed); !good) return good;
        if (directory.entries.empty()) return {};
    }
    auto const reader = ArchiveReader::anywhere(kind, *source);
    if (!reader) return failed();
    Layer layer{**reader, kind, number, directory.entries};
    auto const good = entries(layer);
    held_bytes_ -= held.size();
    if (good && kind == ArchiveKind::zip && layer.seen != directory.entries.size()) return no(ArchiveRule::unreadable);
    return good;
}

Judged Guard::entries(Layer& layer)
{
    auto* const a = layer.reader.get();
    archive_entry* entry = nullptr;
    for (;;) {
        int const got = ::archive_read_next_header(a, &entry);
        if (got == ARCHIVE_EOF) break;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            if (layer.reader.source_failed() && !within_) within_ = ArchiveRule::unchecked;
            if (::archive_read_has_encrypted_entries(a) > 0) return no(ArchiveRule::encrypted);
            return failed();
        }
        if (auto const good = judge_entry(layer, entry); !good) return good;
        if (auto const good = contents(layer, entry); !good) return good;
        ++layer.seen;
    }
    return close_names(layer);
}

// A compressed stream is no container: what it has is judged by what it is.
Judged Guard::judge_entry(Layer& layer, archive_entry* entry)
{
    if (::archive_entry_is_encrypted(entry) != 0) return no(ArchiveRule::encrypted);
    if (is_compressed_stream(layer.kind)) return {};
    if (++verdict.entries > bounds_.entries_max) return no(ArchiveRule::entries);
    auto const* const told = ::archive_entry_pathname(entry);
    // Of a 7z beyond ASCII: the library converts no characters here, and tells none that it would have to.
    if (told == nullptr && layer.kind != ArchiveKind::zip) return no(ArchiveRule::unreadable);
    auto const name = text_or_empty(told);
    // A zip's names were judged in its directory, which the library does not show whole.
    if (layer.kind != ArchiveKind::zip) {
        if (auto const rule = name_rule(name); rule != ArchiveRule::none) return no(rule);
        verdict.not_utf8 += wire::is_utf8(name) ? 0 : 1;
        auto const kind = ::archive_entry_filetype(entry) == AE_IFLNK ? NameBook::Kind::link : NameBook::Kind::plain;
        if (!layer.names.add(name, kind)) return no(ArchiveRule::entries);
    } else if (layer.seen >= layer.zip.size()) {
        return no(ArchiveRule::unreadable);
    }
    return judge_kind(layer, entry, name);
}

Judged Guard::judge_kind(Layer& layer, archive_entry* entry, std::string_view name)
{
    bool const zip = layer.kind == ArchiveKind::zip;
    auto const depth = zip ? layer.zip[layer.seen].depth : depth_of(name);
    if (auto const hard = text_or_empty(::archive_entry_hardlink(entry)); !hard.empty()) {
        if (auto const rule = hard_link_rule(hard); rule != ArchiveRule::none) return no(rule);
        // Through a link it would be something else than it says.
        if (!layer.names.add(hard, NameBook::Kind::target)) return no(ArchiveRule::entries);
        return {};
    }
    switch (zip ? layer.zip[layer.seen].mode & S_IFMT : ::archive_entry_filetype(entry)) {
    case 0:
    case AE_IFREG:
    case AE_IFDIR: return {};
    case AE_IFLNK: {
        auto const rule = link_rule(depth - std::min<std::size_t>(depth, 1), text_or_empty(::archive_entry_symlink(entry)));
        return rule == ArchiveRule::none ? Judged{} : Judged(no(ArchiveRule::link));
    }
    default: return no(ArchiveRule::device);
    }
}

Judged Guard::contents(Layer& layer, archive_entry* entry)
{
    auto const told = ::archive_entry_size_is_set(entry) != 0 ? ::archive_entry_size(entry) : 0;
    auto const claimed = told > 0 ? static_cast<std::uint64_t>(told) : 0;
    if (auto const good = spend(verdict.unpacked_bytes, claimed); !good) return good;
    EntryStream stream(*this, layer, claimed);
    Peeked head(stream);
    auto const first = head.peek();
    if (!first) return failed();
    auto const kind = archive_kind_of(*first);
    if (kind != ArchiveKind::none) {
        if (!is_compressed_stream(layer.kind)) ++verdict.nested;
        if (auto const good = open_layer(kind, head, nullptr, layer.number + 1); !good) return good;
    }
    return drain(head);
}

Judged Guard::close_names(Layer& layer)
{
    auto const found = layer.names.finish();
    if (found.beneath_link) return no(ArchiveRule::link);
    verdict.repeated += found.repeated;
    verdict.case_twins += found.case_twins;
    return {};
}

}  // namespace

proto::ArchiveVerdict check_archive(ByteSource& upload, ArchiveBounds const& bounds)
{
    Guard guard(bounds, upload.size());
    auto const judged = guard.whole(upload);
    guard.verdict.rule = judged ? ArchiveRule::none : judged.error();
    return guard.verdict;
}

}  // namespace ocu::storage
