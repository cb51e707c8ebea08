// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/stick/volume_face. Which file system, which label, and how little of a hostile device is ever read.

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <string>

#include "stick/limits.h"
#include "stick/volume_face.h"

namespace test_volume_face {

using namespace ocu;
using proto::VolumeFormat;

// A device in memory that counts what is asked of it.
struct Device {
    explicit Device(std::size_t size) : bytes(size, '\0') {}
    template <class T>
        requires std::is_integral_v<T>
    void put(std::size_t at, T value)
    {
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    void put(std::size_t at, std::string_view text) { bytes.replace(at, text.size(), text); }
    proto::VolumeProbed probe()
    {
        read = 0;
        return stick::probe_volume([this](std::uint64_t offset, std::span<std::byte> into) {
            read += into.size();
            if (offset > bytes.size() || into.size() > bytes.size() - offset) return false;
            std::memcpy(into.data(), bytes.data() + offset, into.size());
            return true;
        });
    }
    std::string bytes;
    std::size_t read = 0;
};

void put_fat_header(Device& device, std::uint8_t sectors_per_cluster, std::uint16_t root_entries, std::uint32_t fat_sectors)
{
    device.put<std::uint16_t>(11, 512);
    device.put<std::uint8_t>(13, sectors_per_cluster);
    device.put<std::uint16_t>(14, 1);
    device.put<std::uint8_t>(16, 2);
    device.put<std::uint16_t>(17, root_entries);
    device.put<std::uint8_t>(21, 0xf8);
    if (root_entries != 0) device.put<std::uint16_t>(22, static_cast<std::uint16_t>(fat_sectors));
    if (root_entries == 0) device.put<std::uint32_t>(36, fat_sectors);
    if (root_entries == 0) device.put<std::uint32_t>(44, 2);
    device.put<std::uint16_t>(510, 0xaa55);
}

constexpr std::size_t kFat16Root = 512 + 2 * 8 * 512;
constexpr std::size_t kFat32Data = 512 + 2 * 8 * 512;

Device fat16()
{
    Device device(1 << 20);
    put_fat_header(device, 1, 512, 8);
    return device;
}

Device fat32()
{
    Device device(1 << 20);
    put_fat_header(device, 1, 0, 8);
    device.put<std::uint32_t>(512 + 2 * 4, 0x0fff'ffff);
    return device;
}

void put_entry(Device& device, std::size_t at, std::string_view name, char attributes)
{
    device.put(at, name);
    device.bytes[at + 11] = attributes;
}

Device ext4(std::string_view label)
{
    Device device(64 << 10);
    device.put<std::uint16_t>(1024 + 56, 0xef53);
    device.put<std::uint32_t>(1024 + 92, 0x4);      // a journal
    device.put<std::uint32_t>(1024 + 96, 0x2c2);    // as mkfs.ext4 makes it
    device.put<std::uint32_t>(1024 + 224, 8);       // in inode 8
    device.put(1024 + 120, label);
    return device;
}

Device iso(std::string_view label)
{
    Device device(64 << 10);
    device.put(16 * 2048,
        "\x01"
        "CD001\x01");
    device.put(16 * 2048 + 40, std::string(32, ' '));
    device.put(16 * 2048 + 40, label);
    return device;
}

void check(Device& device, VolumeFormat format, bool labelled)
{
    auto const probed = device.probe();
    CHECK(probed.format == format);
    CHECK(probed.labelled == labelled);
    CHECK(device.read <= stick::kProbeBytesMax + 4096);  // the one that was refused counts here too
}

}  // namespace test_volume_face

using namespace test_volume_face;

TEST_CASE("volume_face: given nothing, noise or a device that ends early, when probed, then it is no volume", "[stick][T-18]")
{
    for (std::size_t const size : {std::size_t{0}, std::size_t{100}, std::size_t{512}, std::size_t{1 << 16}}) {
        Device device(size);
        check(device, VolumeFormat::none, false);
        for (std::size_t i = 0; i < size; ++i) device.bytes[i] = static_cast<char>(i * 167 + 13);
        check(device, VolumeFormat::none, false);
    }
}

TEST_CASE("volume_face: given FAT with a volume entry, when probed, then that label decides, and not the boot sector's", "[stick]")
{
    for (std::string_view const label : {"OCUMANIFEST", "OCU-MANIFES"}) {
        auto device = fat16();
        put_entry(device, kFat16Root, "MANIFE~1JSO", 0x20);
        put_entry(device, kFat16Root + 32, label, 0x08);
        check(device, VolumeFormat::fat, true);
        put_entry(device, kFat16Root + 32, "HOLIDAYPICS", 0x08);
        device.put<std::uint8_t>(38, 0x29);
        device.put(43, label);
        check(device, VolumeFormat::fat, false);
    }
}

TEST_CASE("volume_face: given FAT without a volume entry, when probed, then the boot sector's label decides", "[stick]")
{
    auto device = fat16();
    device.put<std::uint8_t>(38, 0x29);
    device.put(43, "OCUMANIFEST");
    check(device, VolumeFormat::fat, true);
    device.put<std::uint8_t>(38, 0);
    check(device, VolumeFormat::fat, false);
    auto other = fat32();
    other.put<std::uint8_t>(66, 0x29);
    other.put(71, "OCU-MANIFES");
    check(other, VolumeFormat::fat, true);
}

TEST_CASE("volume_face: given FAT entries that only look like a label, when probed, then they are none", "[stick][T-18]")
{
    auto device = fat16();
    put_entry(device, kFat16Root, "OCUMANIFEST", 0x0f);                        // part of a long name
    put_entry(device, kFat16Root + 32,
        "\xe5"
        "CUMANIFEST",
        0x08);              // removed
    put_entry(device, kFat16Root + 64, "OCUMANIFEST", 0x10);                   // a directory
    put_entry(device, kFat16Root + 96, "ocumanifest", 0x08);                   // another name
    check(device, VolumeFormat::fat, false);
    auto behind = fat16();
    put_entry(behind, kFat16Root + 32, "OCUMANIFEST", 0x08);                   // behind the end of the directory
    check(behind, VolumeFormat::fat, false);
}

TEST_CASE("volume_face: given FAT32 whose root directory has several clusters, when probed, then the chain is followed", "[stick]")
{
    auto device = fat32();
    for (std::size_t i = 0; i < 16; ++i) put_entry(device, kFat32Data + i * 32, "FILE    TXT", 0x20);
    device.put<std::uint32_t>(512 + 2 * 4, 5);
    device.put<std::uint32_t>(512 + 5 * 4, 0x0fff'ffff);
    put_entry(device, kFat32Data + 3 * 512, "OCUMANIFEST", 0x08);
    check(device, VolumeFormat::fat, true);
}

TEST_CASE("volume_face: given a root directory that leads back to itself or far away, when probed, then it ends", "[stick][T-18]")
{
    for (std::uint32_t const next : {2u, 0x0fff'fff0u, 1u, 0u}) {
        auto device = fat32();
        for (std::size_t i = 0; i < 16; ++i) put_entry(device, kFat32Data + i * 32, "FILE    TXT", 0x20);
        device.put<std::uint32_t>(512 + 2 * 4, next);
        check(device, VolumeFormat::fat, false);
    }
    // The largest clusters there are, all of them full, in a circle.
    Device large(8 << 20);
    put_fat_header(large, 128, 0, 8);
    for (std::size_t i = 0; i < 128 * 16; ++i) put_entry(large, kFat32Data + i * 32, "FILE    TXT", 0x20);
    large.put<std::uint32_t>(512 + 2 * 4, 2);
    check(large, VolumeFormat::fat, false);
    CHECK(large.read < stick::kProbeBytesMax);
}

TEST_CASE("volume_face: given a FAT header out of range, when probed, then it is no FAT", "[stick][T-18]")
{
    using Change = void (*)(Device&);
    for (Change const change : {Change([](Device& d) { d.put<std::uint16_t>(11, 500); }),
             Change([](Device& d) { d.put<std::uint16_t>(11, 8192); }), Change([](Device& d) { d.put<std::uint8_t>(13, 0); }),
             Change([](Device& d) { d.put<std::uint8_t>(13, 3); }), Change([](Device& d) { d.put<std::uint16_t>(14, 0); }),
             Change([](Device& d) { d.put<std::uint8_t>(16, 0); }), Change([](Device& d) { d.put<std::uint8_t>(16, 3); }),
             Change([](Device& d) { d.put<std::uint8_t>(21, 0x12); }), Change([](Device& d) { d.put<std::uint16_t>(510, 0); })}) {
        auto device = fat16();
        put_entry(device, kFat16Root, "OCUMANIFEST", 0x08);
        change(device);
        check(device, VolumeFormat::none, false);
    }
}

TEST_CASE("volume_face: given ext4, when probed, then the name in its superblock is the label, whole", "[stick]")
{
    for (auto const& [label, labelled] : {std::pair{"OCU-MANIFEST", true}, {"OCU-MANIFES", false}, {"OCU-MANIFEST2", false}, {"", false}}) {
        auto device = ext4(label);
        check(device, VolumeFormat::ext4, labelled);
    }
}

TEST_CASE(
    "volume_face: given ext4 with a foreign journal, options of its own or unknown features, when probed, then it is labelled and not "
    "taken",
    "[stick][T-18]")
{
    using Change = void (*)(Device&);
    for (Change const change : {Change([](Device& d) { d.put<std::uint32_t>(1024 + 228, 0x801); }),  // a journal on another device
             Change([](Device& d) { d.put<std::uint32_t>(1024 + 224, 0); }),  // a journal nowhere
             Change([](Device& d) { d.put(1024 + 512, "errors=panic"); }),  // options
             Change([](Device& d) { d.put<std::uint32_t>(1024 + 96, 0x2c2 | 0x8); }),  // is itself a journal
             Change([](Device& d) { d.put<std::uint32_t>(1024 + 96, 0x2c2 | 0x10000); })}) {  // encryption
        auto device = ext4("OCU-MANIFEST");
        change(device);
        check(device, VolumeFormat::none, true);
    }
    auto plain = ext4("OCU-MANIFEST");
    plain.put<std::uint32_t>(1024 + 92, 0);  // ext2: no journal at all
    plain.put<std::uint32_t>(1024 + 224, 0);
    check(plain, VolumeFormat::ext4, true);
}

TEST_CASE("volume_face: given ISO 9660, when probed, then the primary descriptor's identifier is the label", "[stick]")
{
    for (auto const& [label, labelled] :
        {std::pair{"OCU-MANIFEST", true}, {"OCU_MANIFEST", true}, {"OCU_MANIFEST_2", false}, {"OCUMANIFEST", false}}) {
        auto device = iso(label);
        check(device, VolumeFormat::iso9660, labelled);
    }
    auto second = iso("OCU-MANIFEST");
    second.put(17 * 2048, second.bytes.substr(16 * 2048, 2048));
    second.bytes[16 * 2048] = 0;  // a boot record comes first
    check(second, VolumeFormat::iso9660, true);
    Device endless(128 << 10);
    for (std::size_t i = 16; i < 64; ++i)
        endless.put(i * 2048, std::string_view("\0"
                                               "CD001\x01",
                                  7));
    check(endless, VolumeFormat::none, false);
}

TEST_CASE("volume_face: given the rest of an old volume under a new one, when probed, then the labelled one counts", "[stick]")
{
    auto device = iso("OLD");
    put_fat_header(device, 1, 512, 8);
    put_entry(device, kFat16Root, "OCUMANIFEST", 0x08);
    check(device, VolumeFormat::fat, true);
    auto other = fat16();
    other.put(16 * 2048,
        "\x01"
        "CD001\x01");
    other.put(16 * 2048 + 40, "OCU-MANIFEST        ");
    check(other, VolumeFormat::iso9660, true);
}
