// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/command_line, boot_medium. What the signed command line says of images, what device-mapper is told, and which
// volume is ours.

#include "appliance/init/boot_medium.h"
#include "appliance/init/command_line.h"

namespace test_command_line {

using namespace ocu;
using namespace ocu::init;

std::string const kHash(64, 'a');
std::string const kSalt(64, 'b');

TEST_CASE("command_line: given all that we know, when it is read, then all of it is there", "[boot][T-22]")
{
    auto const line =
        parse_command_line("quiet console=tty1 console=ttyS0,115200 ocu.root=7," + kHash + "," + kSalt + " ocu.guest.minimal=9," + kHash +
                           "," + kSalt + " ocu.guest.full=10," + kHash + "," + kSalt + " lockdown=confidentiality\n");
    REQUIRE(line);
    CHECK(line->consoles == std::vector<std::string>{"tty1", "ttyS0"});
    REQUIRE(line->root);
    CHECK(line->root->blocks == 7);
    CHECK(line->root->root_hash == kHash);
    CHECK(line->root->salt == kSalt);
    CHECK(line->guests.size() == 2);
    CHECK(line->guests.at("minimal").blocks == 9);
}

TEST_CASE("command_line: given nothing of ours, when it is read, then nothing is made up", "[boot][T-22]")
{
    auto const line = parse_command_line("ro quiet xocu.root=1 ocu.rootless=2");
    REQUIRE(line);
    CHECK_FALSE(line->root);
    CHECK(line->guests.empty());
    CHECK(line->consoles.empty());
}

TEST_CASE("command_line: given something that is not an image, when it is read, then the whole line is refused", "[boot][T-22]")
{
    for (auto const& bad : {std::string("ocu.root="), "ocu.root=0," + kHash + "," + kSalt, "ocu.root=-1," + kHash + "," + kSalt,
             "ocu.root=7x," + kHash + "," + kSalt, "ocu.root=99999999999," + kHash + "," + kSalt, "ocu.root=7," + kHash,
             "ocu.root=7," + kHash + ",", "ocu.root=7," + kHash + ",abc", "ocu.root=7," + kHash.substr(1) + "," + kSalt,
             "ocu.root=7," + std::string(64, 'A') + "," + kSalt, "ocu.root=7," + kHash + "," + kSalt + ",panic",
             "ocu.root=7," + kHash + "," + std::string(130, 'b'), "ocu.guest.=7," + kHash + "," + kSalt,
             "ocu.guest.../x=7," + kHash + "," + kSalt, "ocu.guest.minimal=7," + kHash,
             "ocu.guest." + std::string(17, 'm') + "=7," + kHash + "," + kSalt}) {
        INFO(bad);
        CHECK_FALSE(parse_command_line(bad));
    }
}

TEST_CASE("command_line: given an image twice, when it is read, then neither is believed", "[boot][T-22]")
{
    auto const root = "ocu.root=7," + kHash + "," + kSalt;
    CHECK_FALSE(parse_command_line(root + " " + root));
    auto const guest = "ocu.guest.minimal=7," + kHash + "," + kSalt;
    CHECK_FALSE(parse_command_line(guest + " " + guest));
}

TEST_CASE("command_line: given more than the kernel passes on, when it is read, then it is refused", "[boot]")
{
    auto const error = parse_command_line(std::string(kCommandLineBytesMax + 1, ' '));
    REQUIRE_FALSE(error);
    CHECK(error.error().fault == Fault::over_limit);
}

TEST_CASE("command_line: given a console with a path in it, when it is read, then it is left out", "[boot][T-19]")
{
    CHECK(parse_command_line("console=../sda console=tty1 console=tty1")->consoles == std::vector<std::string>{"tty1"});
}

TEST_CASE("verity_table: given an image, when the table is made, then a block that does not fit is a panic", "[boot][T-22]")
{
    CHECK(verity_table("/dev/loop0", {7, kHash, kSalt}) ==
          "1 /dev/loop0 /dev/loop0 4096 4096 7 7 sha256 " + kHash + " " + kSalt + " 1 panic_on_corruption");
}

struct VolumeTest {
    VolumeTest()
    {
        descriptor.assign(kVolumeDescriptorBytes, std::byte{' '});
        put(0, std::string_view("\1CD001\1", 7));
        put(40, "OCU_APPLIANCE");
    }
    void put(std::size_t at, std::string_view text)
    {
        for (std::size_t i = 0; i < text.size(); ++i) descriptor[at + i] = static_cast<std::byte>(text[i]);
    }
    std::vector<std::byte> descriptor;
};

TEST_CASE_METHOD(VolumeTest, "volume: given our medium, when it is looked at, then it is ours", "[boot][T-22]")
{
    CHECK(is_our_volume(descriptor));
}

TEST_CASE_METHOD(VolumeTest, "volume: given another volume, when it is looked at, then it is not ours", "[boot][T-22]")
{
    SECTION("another id") { put(40, "OCU_APPLIANCF"); }
    SECTION("a longer id") { put(40, "OCU_APPLIANCE2"); }
    SECTION("a byte behind the id") { put(71, "x"); }
    SECTION("another format") { put(1, "CD002"); }
    SECTION("another kind of descriptor") { put(0, "\2"); }
    SECTION("another version") { put(6, "\2"); }
    SECTION("less than a descriptor") { descriptor.pop_back(); }
    SECTION("nothing") { descriptor.clear(); }
    CHECK_FALSE(is_our_volume(descriptor));
}

TEST_CASE("volume: given a device that was made from another, when media are looked for, then it is none", "[boot][T-22]")
{
    for (auto const* const each : {"loop0", "dm-0", "ram3", "zram0", "md127", "nbd0"}) CHECK_FALSE(may_be_medium(each));
    for (auto const* const each : {"sda", "sdb1", "sr0", "nvme0n1p1", "vda", "mmcblk0"}) CHECK(may_be_medium(each));
}

}  // namespace test_command_line
