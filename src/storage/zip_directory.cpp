// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/zip_directory.h"

#include <sys/stat.h>

#include <array>
#include <expected>
#include <string>

#include "storage/limits.h"
#include "wire/json.h"

namespace ocu::storage {

using proto::ArchiveRule;

namespace {

using namespace std::string_view_literals;
using Judged = std::expected<void, ArchiveRule>;

constexpr std::size_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kRecordBytes = 46, kLocalBytes = 30;
constexpr std::size_t kGapPieceBytes = 16u << 10;
constexpr std::uint16_t kEncrypted = 1u << 0, kLengthsBehind = 1u << 3, kPatch = 1u << 5, kStrongEncryption = 1u << 6,
                        kMaskedHeaders = 1u << 13;
constexpr std::uint16_t kZip64Extra = 0x0001, kUnicodePathExtra = 0x7075;
constexpr std::uint32_t kInZip64 = 0xffff'ffff;

std::unexpected<ArchiveRule> no(ArchiveRule rule) { return std::unexpected(rule); }
std::unexpected<ArchiveRule> unreadable() { return no(ArchiveRule::unreadable); }

// Little-endian numbers of a record that was read whole.
class Record {
public:
    explicit Record(std::string_view bytes) : bytes_(bytes) {}
    std::uint64_t number(std::size_t at, std::size_t bytes) const
    {
        std::uint64_t out = 0;
        for (std::size_t i = bytes; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes_[at + i]);
        return out;
    }
    std::uint16_t two(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
    std::uint32_t four(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
    std::uint64_t eight(std::size_t at) const { return number(at, 8); }
    bool begins(std::string_view mark) const { return bytes_.starts_with(mark); }

private:
    std::string_view bytes_;
};

class Directory {
public:
    Directory(ByteSource& source, std::uint64_t entries_max) : source_(source), entries_max_(entries_max) {}

    Judged find_end();
    Judged read_records();
    Judged compare_locals();
    ZipDirectory take()
    {
        out_.names = names_.finish();
        return std::move(out_);
    }

private:
    std::expected<std::string, ArchiveRule> text(std::uint64_t offset, std::size_t bytes)
    {
        if (bytes > source_.size() || offset > source_.size() - bytes) return unreadable();
        std::string out(bytes, '\0');
        if (!source_.read_exactly(offset, std::as_writable_bytes(std::span(out)))) return unreadable();
        return out;
    }
    Judged use_zip64(std::uint64_t end_at, Record const& end);
    Judged read_record(std::uint64_t& at);
    Judged take_name(std::string_view name, ZipEntry& entry);
    Judged take_extra(std::string_view extra, ZipEntry* entry);
    Judged compare_local(ZipEntry const& entry, std::uint64_t& end);
    Judged nothing_between(std::uint64_t from, std::uint64_t to);

    ByteSource& source_;
    std::uint64_t entries_max_;
    std::uint64_t directory_at_ = 0, directory_bytes_ = 0, count_ = 0;
    ZipDirectory out_;
    NameBook names_;
};

// The last end record of all, which reaches the last byte: with a second one, in its comment or behind it, readers would differ.
Judged Directory::find_end()
{
    auto const tail_bytes = static_cast<std::size_t>(std::min<std::uint64_t>(source_.size(), kEndBytes + 0xffff));
    auto const tail_at = source_.size() - tail_bytes;
    auto const tail = text(tail_at, tail_bytes);
    if (!tail) return no(tail.error());
    auto const at = tail->rfind("PK\x05\x06"sv);
    if (at == tail->npos || tail_bytes - at < kEndBytes) return unreadable();
    Record const end(std::string_view(*tail).substr(at));
    if (at + kEndBytes + end.two(20) != tail_bytes) return unreadable();
    bool const one_disk = end.two(4) == 0 && end.two(6) == 0 && end.two(8) == end.two(10);
    if (!one_disk) return unreadable();
    count_ = end.two(10);
    directory_bytes_ = end.four(12);
    directory_at_ = end.four(16);
    std::uint64_t ends_at = tail_at + at;
    if (ends_at >= kLocatorBytes) {
        auto const locator = text(ends_at - kLocatorBytes, kLocatorBytes);
        if (!locator) return no(locator.error());
        if (Record(*locator).begins("PK\x06\x07"sv)) {
            ends_at = Record(*locator).eight(8);
            if (auto const good = use_zip64(tail_at + at, end); !good) return good;
        }
    }
    if (count_ > entries_max_) return no(ArchiveRule::entries);
    if (directory_at_ > ends_at || directory_bytes_ != ends_at - directory_at_) return unreadable();
    return {};
}

// The larger record counts; where the small one says anything, it says the same.
Judged Directory::use_zip64(std::uint64_t end_at, Record const& end)
{
    auto const locator = text(end_at - kLocatorBytes, kLocatorBytes);
    if (!locator) return no(locator.error());
    auto const at = Record(*locator).eight(8);
    auto const whole = text(at, kEnd64Bytes);
    if (!whole) return no(whole.error());
    Record const big(*whole);
    bool const placed = at <= end_at && end_at - at == kEnd64Bytes + kLocatorBytes && big.eight(4) == kEnd64Bytes - 12;
    if (!big.begins("PK\x06\x06"sv) || !placed || big.eight(24) != big.eight(32)) return unreadable();
    auto const same = [](std::uint64_t small, std::uint64_t mark, std::uint64_t large) { return small == mark || small == large; };
    if (!same(end.two(10), 0xffff, big.eight(32)) || !same(end.four(12), kInZip64, big.eight(40)) ||
        !same(end.four(16), kInZip64, big.eight(48)))
        return unreadable();
    count_ = big.eight(32);
    directory_bytes_ = big.eight(40);
    directory_at_ = big.eight(48);
    return {};
}

Judged Directory::read_records()
{
    auto at = directory_at_;
    auto const end = directory_at_ + directory_bytes_;
    while (at < end) {
        if (out_.entries.size() >= entries_max_) return no(ArchiveRule::entries);
        if (auto const good = read_record(at); !good) return good;
    }
    if (at != end || out_.entries.size() != count_) return unreadable();
    return {};
}

Judged Directory::read_record(std::uint64_t& at)
{
    auto const fixed = text(at, kRecordBytes);
    if (!fixed) return no(fixed.error());
    Record const record(*fixed);
    if (!record.begins("PK\x01\x02"sv)) return unreadable();
    if ((record.two(8) & (kEncrypted | kStrongEncryption | kMaskedHeaders)) != 0) return no(ArchiveRule::encrypted);
    if ((record.two(8) & kPatch) != 0 || record.two(34) != 0) return unreadable();
    ZipEntry entry{record.four(42), record.four(20), record.four(24), 0, record.four(38) >> 16, record.two(28), 0, record.two(10)};
    auto const rest = text(at + kRecordBytes, std::size_t{entry.name_bytes} + record.two(30));
    if (!rest) return no(rest.error());
    auto const name = std::string_view(*rest).substr(0, entry.name_bytes);
    if (auto const good = take_name(name, entry); !good) return good;
    if (auto const good = take_extra(std::string_view(*rest).substr(entry.name_bytes), &entry); !good) return good;
    out_.entries.push_back(entry);
    at += kRecordBytes + rest->size() + record.two(32);
    return {};
}

Judged Directory::take_name(std::string_view name, ZipEntry& entry)
{
    if (auto const rule = name_rule(name); rule != ArchiveRule::none) return no(rule);
    entry.name_number = number_of(name);
    entry.depth = static_cast<std::uint16_t>(depth_of(name));
    out_.not_utf8 += wire::is_utf8(name) ? 0 : 1;
    auto const kind = (entry.mode & S_IFMT) == S_IFLNK ? NameBook::Kind::link : NameBook::Kind::plain;
    if (!names_.add(name, kind)) return no(ArchiveRule::entries);
    return {};
}

// The lengths that do not fit into 32 bits, and a second name, by which some unpack. Of a local header's (no entry) the name alone counts.
Judged Directory::take_extra(std::string_view extra, ZipEntry* entry)
{
    while (extra.size() >= 4) {
        Record const head(extra);
        auto const id = head.two(0);
        std::size_t const bytes = head.two(2);
        if (bytes > extra.size() - 4) return unreadable();
        Record const field(extra.substr(4, bytes));
        if (id == kUnicodePathExtra && bytes > 5) {
            auto const name = extra.substr(4 + 5, bytes - 5);
            if (auto const rule = name_rule(name); rule != ArchiveRule::none) return no(rule);
        }
        if (id == kZip64Extra && entry != nullptr) {
            std::size_t at = 0;
            for (auto* const value : {&entry->unpacked_bytes, &entry->packed_bytes, &entry->offset}) {
                if (*value != kInZip64) continue;
                if (bytes < at + 8) return unreadable();
                *value = field.eight(at);
                at += 8;
            }
        }
        extra.remove_prefix(4 + bytes);
    }
    return {};
}

Judged Directory::compare_locals()
{
    auto& entries = out_.entries;
    std::ranges::sort(entries, {}, &ZipEntry::offset);
    std::uint64_t end = 0;
    for (auto const& entry : entries) {
        if (entry.offset < end) return no(ArchiveRule::overlap);
        if (auto const good = nothing_between(end, entry.offset); !good) return good;
        if (auto const good = compare_local(entry, end); !good) return good;
    }
    if (end > directory_at_) return no(ArchiveRule::overlap);
    return nothing_between(end, directory_at_);
}

Judged Directory::compare_local(ZipEntry const& entry, std::uint64_t& end)
{
    auto const fixed = text(entry.offset, kLocalBytes);
    if (!fixed) return no(fixed.error());
    Record const local(*fixed);
    if (!local.begins("PK\x03\x04"sv)) return unreadable();
    if ((local.two(6) & (kEncrypted | kStrongEncryption | kMaskedHeaders)) != 0) return no(ArchiveRule::encrypted);
    if (local.two(8) != entry.method || local.two(26) != entry.name_bytes) return unreadable();
    bool const tells_length = (local.two(6) & kLengthsBehind) == 0 && local.four(18) != kInZip64;
    if (tells_length && local.four(18) != entry.packed_bytes) return unreadable();
    auto const rest = text(entry.offset + kLocalBytes, std::size_t{entry.name_bytes} + local.two(28));
    if (!rest) return no(rest.error());
    if (number_of(std::string_view(*rest).substr(0, entry.name_bytes)) != entry.name_number) return unreadable();
    if (auto const good = take_extra(std::string_view(*rest).substr(entry.name_bytes), nullptr); !good) return good;
    auto const data_at = entry.offset + kLocalBytes + rest->size();
    if (entry.packed_bytes > source_.size() - data_at) return unreadable();
    end = data_at + entry.packed_bytes;
    return {};
}

// Who reads an archive from its beginning would take a header that lies there for one more entry.
Judged Directory::nothing_between(std::uint64_t from, std::uint64_t to)
{
    constexpr std::string_view kHeader = "PK\x03\x04";
    while (to - from >= kHeader.size()) {
        auto const seen = text(from, static_cast<std::size_t>(std::min<std::uint64_t>(to - from, kGapPieceBytes)));
        if (!seen) return no(seen.error());
        if (seen->contains(kHeader)) return unreadable();
        from += seen->size() - (kHeader.size() - 1);  // one may lie across two pieces
    }
    return {};
}

}  // namespace

std::expected<ZipDirectory, ArchiveRule> read_zip_directory(ByteSource& source, std::uint64_t entries_max)
{
    Directory directory(source, entries_max);
    if (auto const good = directory.find_end(); !good) return no(good.error());
    if (auto const good = directory.read_records(); !good) return no(good.error());
    if (auto const good = directory.compare_locals(); !good) return no(good.error());
    auto out = directory.take();
    if (out.names.repeated != 0) return no(ArchiveRule::twice);
    if (out.names.beneath_link) return no(ArchiveRule::link);
    return out;
}

}  // namespace ocu::storage
