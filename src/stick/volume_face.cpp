// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/volume_face.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <vector>

#include "stick/limits.h"

namespace ocu::stick {

namespace {

using proto::VolumeFormat;
using proto::VolumeProbed;
using Bytes = std::span<std::byte const>;

// The device, with what is left of the budget. Offsets that a hostile header can make are checked by whoever reads the device.
class Volume {
public:
    explicit Volume(ReadAt const& read_at) : read_at_(read_at) {}
    bool read(std::uint64_t offset, std::span<std::byte> into)
    {
        if (into.size() > left_) return false;
        left_ -= into.size();
        return read_at_(offset, into);
    }

private:
    ReadAt const& read_at_;
    std::size_t left_ = kProbeBytesMax;
};

template <class T>
T little(Bytes bytes, std::size_t at)
{
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(value | (static_cast<T>(std::to_integer<T>(bytes[at + i])) << (8 * i)));
    return value;
}

std::string_view text(Bytes bytes, std::size_t at, std::size_t size) { return {reinterpret_cast<char const*>(bytes.data()) + at, size}; }

std::string_view without_padding(std::string_view label)
{
    label = label.substr(0, label.find('\0'));
    return label.substr(0, label.find_last_not_of(' ') + 1);
}

// --- FAT ---------------------------------------------------------------------------------------------------------------------------

constexpr std::size_t kEntryBytes = 32;
constexpr std::size_t kFatLabelBytes = 11;

bool is_fat_label(std::string_view label)
{
    label = without_padding(label);
    return label == "OCUMANIFEST" || label == "OCU-MANIFES";
}

struct FatShape {
    std::uint64_t fat_at = 0;            // bytes from the start of the volume
    std::uint64_t root_at = 0;           // FAT12 and FAT16: the fixed root directory
    std::uint64_t data_at = 0;           // of cluster 2
    std::uint32_t cluster_bytes = 0;
    std::uint32_t root_entries = 0;      // 0: FAT32, and the root directory is a chain
    std::uint32_t root_cluster = 0;
};

enum class Search { next, ended, found };

// The volume entry among these, if it is here. A long name's parts carry the same bit, together with three others.
Search find_label(Bytes entries, std::array<char, kFatLabelBytes>& label)
{
    constexpr unsigned kVolume = 0x08;
    constexpr unsigned kAttributes = 0x3f;
    for (; entries.size() >= kEntryBytes; entries = entries.subspan(kEntryBytes)) {
        auto const first = std::to_integer<unsigned>(entries[0]);
        if (first == 0) return Search::ended;
        auto const attributes = std::to_integer<unsigned>(entries[11]) & kAttributes;
        if (first == 0xe5 || (attributes & 0x0f) == 0x0f || (attributes & kVolume) == 0) continue;
        std::ranges::copy(text(entries, 0, kFatLabelBytes), label.begin());
        return Search::found;
    }
    return Search::next;
}

bool plausible(Bytes sector)
{
    auto const bytes_per_sector = little<std::uint16_t>(sector, 11);
    auto const sectors_per_cluster = little<std::uint8_t>(sector, 13);
    auto const fats = little<std::uint8_t>(sector, 16);
    auto const media = little<std::uint8_t>(sector, 21);
    return little<std::uint16_t>(sector, 510) == 0xaa55 && std::has_single_bit(bytes_per_sector) && bytes_per_sector >= 512 &&
           bytes_per_sector <= 4096 && std::has_single_bit(sectors_per_cluster) && little<std::uint16_t>(sector, 14) != 0 && fats >= 1 &&
           fats <= 2 && (media == 0xf0 || media >= 0xf8);
}

FatShape shape_of(Bytes sector)
{
    std::uint64_t const bytes_per_sector = little<std::uint16_t>(sector, 11);
    auto const short_size = little<std::uint16_t>(sector, 22);
    std::uint64_t const fat_sectors = short_size != 0 ? short_size : little<std::uint32_t>(sector, 36);
    FatShape shape;
    shape.fat_at = little<std::uint16_t>(sector, 14) * bytes_per_sector;
    shape.root_at = shape.fat_at + little<std::uint8_t>(sector, 16) * fat_sectors * bytes_per_sector;
    shape.root_entries = little<std::uint16_t>(sector, 17);
    shape.data_at = shape.root_at + shape.root_entries * kEntryBytes;
    shape.cluster_bytes = static_cast<std::uint32_t>(little<std::uint8_t>(sector, 13) * bytes_per_sector);
    shape.root_cluster = shape.root_entries == 0 ? little<std::uint32_t>(sector, 44) & 0x0fff'ffffu : 0;
    return shape;
}

Search search_fixed_root(Volume& volume, FatShape const& shape, std::array<char, kFatLabelBytes>& label)
{
    constexpr std::size_t kStep = 16;  // entries read at a time: the label is nearly always the first
    std::array<std::byte, kStep * kEntryBytes> part{};
    auto const entries = std::min<std::size_t>(shape.root_entries, kRootEntriesMax);
    for (std::size_t done = 0; done < entries; done += kStep) {
        auto const bytes = std::span(part).first(std::min(kStep, entries - done) * kEntryBytes);
        if (!volume.read(shape.root_at + done * kEntryBytes, bytes)) return Search::ended;
        if (auto const found = find_label(bytes, label); found != Search::next) return found;
    }
    return Search::ended;
}

// A chain may lead anywhere, also back to where it began: links and entries are counted, nothing is remembered.
Search search_root_chain(Volume& volume, FatShape const& shape, std::array<char, kFatLabelBytes>& label)
{
    constexpr std::uint32_t kFirst = 2;
    constexpr std::uint32_t kEnd = 0x0fff'fff7;
    std::vector<std::byte> part(std::min<std::size_t>(shape.cluster_bytes, 4096));
    std::uint32_t cluster = shape.root_cluster;
    std::size_t entries = 0;
    for (std::size_t link = 0; link < kRootClustersMax && cluster >= kFirst && cluster < kEnd; ++link) {
        auto const at = shape.data_at + static_cast<std::uint64_t>(cluster - kFirst) * shape.cluster_bytes;
        for (std::size_t done = 0; done < shape.cluster_bytes; done += part.size()) {
            entries += part.size() / kEntryBytes;
            if (entries > kRootEntriesMax || !volume.read(at + done, part)) return Search::ended;
            if (auto const found = find_label(part, label); found != Search::next) return found;
        }
        std::array<std::byte, 4> next{};
        if (!volume.read(shape.fat_at + static_cast<std::uint64_t>(cluster) * 4, next)) return Search::ended;
        cluster = little<std::uint32_t>(next, 0) & 0x0fff'ffffu;
    }
    return Search::ended;
}

VolumeProbed probe_fat(Volume& volume)
{
    std::array<std::byte, 512> sector{};
    if (!volume.read(0, sector) || !plausible(sector)) return {};
    auto const shape = shape_of(sector);
    std::array<char, kFatLabelBytes> label{};
    auto const found = shape.root_entries != 0 ? search_fixed_root(volume, shape, label) : search_root_chain(volume, shape, label);
    if (found == Search::found) return {VolumeFormat::fat, is_fat_label({label.data(), label.size()})};
    // 0x29 says that serial number, label and name of the format follow.
    std::size_t const tail = shape.root_entries != 0 ? 38 : 66;
    bool const has_label = little<std::uint8_t>(sector, tail) == 0x29;
    return {VolumeFormat::fat, has_label && is_fat_label(text(sector, tail + 5, kFatLabelBytes))};
}

// --- ext4 --------------------------------------------------------------------------------------------------------------------------

constexpr std::uint32_t kCompatJournal = 0x4;
// What mkfs.ext4, mkfs.ext3 and mkfs.ext2 switch on by themselves: file types, recovery, meta block groups, extents, 64 bits, flexible
// groups, checksum seed. Nothing that brings in encryption, case folding, other devices or multiple mounts.
constexpr std::uint32_t kIncompatTaken = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x200 | 0x2000;

// A superblock can name a journal on another device, and options for its own mount: a stranger decides neither for us.
bool taken(Bytes block)
{
    bool const journal = (little<std::uint32_t>(block, 92) & kCompatJournal) != 0;
    bool const own_journal = little<std::uint32_t>(block, 224) != 0 && little<std::uint32_t>(block, 228) == 0;
    bool const options = std::to_integer<int>(block[512]) != 0;
    return (little<std::uint32_t>(block, 96) & ~kIncompatTaken) == 0 && (!journal || own_journal) && !options;
}

VolumeProbed probe_ext4(Volume& volume)
{
    std::array<std::byte, 1024> block{};
    if (!volume.read(1024, block) || little<std::uint16_t>(block, 56) != 0xef53) return {};
    bool const labelled = without_padding(text(block, 120, 16)) == "OCU-MANIFEST";
    return {taken(block) ? VolumeFormat::ext4 : VolumeFormat::none, labelled};
}

// --- ISO 9660 ----------------------------------------------------------------------------------------------------------------------

VolumeProbed probe_iso9660(Volume& volume)
{
    constexpr std::uint64_t kSectorBytes = 2048;
    constexpr std::uint64_t kFirst = 16;
    constexpr std::uint8_t kPrimary = 1;
    std::array<std::byte, kSectorBytes> sector{};
    for (std::uint64_t i = 0; i < kIsoDescriptorsMax; ++i) {
        if (!volume.read((kFirst + i) * kSectorBytes, sector) || text(sector, 1, 5) != "CD001") return {};
        if (little<std::uint8_t>(sector, 0) != kPrimary) continue;
        auto const label = without_padding(text(sector, 40, 32));
        return {VolumeFormat::iso9660, label == "OCU-MANIFEST" || label == "OCU_MANIFEST"};
    }
    return {};
}

}  // namespace

VolumeProbed probe_volume(ReadAt const& read_at)
{
    Volume volume(read_at);
    VolumeProbed first;
    for (auto const probe : {probe_fat, probe_ext4, probe_iso9660}) {
        auto const one = probe(volume);
        if (one.labelled) return one;
        if (first.format == VolumeFormat::none) first = one;
    }
    return first;
}

}  // namespace ocu::stick
