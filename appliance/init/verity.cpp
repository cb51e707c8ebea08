// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/verity.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/crypto/crypto.h"
#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::uint64_t kSectorsPerBlock = kBlockBytes / 512;
constexpr int kLoopTries = 16;  // somebody else may take the free one first
constexpr std::size_t kReadBytes = 1u << 20;

// The fixed part, one target, and its table as text.
struct Request {
    dm_ioctl head{};
    dm_target_spec target{};
    char table[1024]{};
};

Result<std::string> make_loop_device(std::string const& file)
{
    UniqueFd const backing(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!backing) return fail_os("open an image");
    UniqueFd const control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return fail_os("open loop control");
    for (int tries = 0; tries < kLoopTries; ++tries) {
        int const number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) return fail_os("no free loop device");
        auto path = "/dev/loop" + std::to_string(number);
        UniqueFd const device(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!device) return fail_os("open a loop device");
        loop_config config{};
        config.fd = static_cast<std::uint32_t>(backing.get());
        config.info.lo_flags = LO_FLAGS_READ_ONLY;
        if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return path;
        if (errno != EBUSY) return fail_os("set up a loop device");
    }
    return fail(Fault::over_limit, "no loop device could be had");
}

Request request_for(std::string const& name, std::uint32_t flags)
{
    Request request;
    request.head.version[0] = DM_VERSION_MAJOR;
    request.head.data_size = sizeof request;
    request.head.data_start = offsetof(Request, target);
    request.head.flags = flags;
    name.copy(request.head.name, sizeof request.head.name - 1);
    return request;
}

Result<unsigned> create(int control, std::string const& name)
{
    auto request = request_for(name, DM_READONLY_FLAG);
    ("OCU-" + name).copy(request.head.uuid, sizeof request.head.uuid - 1);
    if (::ioctl(control, DM_DEV_CREATE, &request) != 0) return fail_os("make a device-mapper device");
    return minor(static_cast<dev_t>(request.head.dev));
}

Result<void> load(int control, std::string const& name, std::uint64_t sectors, std::string const& table)
{
    auto request = request_for(name, DM_READONLY_FLAG);
    if (table.size() >= sizeof request.table) return fail(Fault::over_limit, "the verity table is too long");
    request.head.target_count = 1;
    request.target.length = sectors;
    std::strncpy(request.target.target_type, "verity", sizeof request.target.target_type - 1);
    std::ranges::copy(table, request.table);
    if (::ioctl(control, DM_TABLE_LOAD, &request) != 0) return fail_os("load a verity table");
    auto resume = request_for(name, DM_READONLY_FLAG);
    if (::ioctl(control, DM_DEV_SUSPEND, &resume) != 0) return fail_os("start a verity device");
    return {};
}

}  // namespace

Result<void> check_tree_top(std::string const& file, VerityImage const& image)
{
    UniqueFd const in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!in) return fail_os("open an image");
    std::vector<std::byte> block(kBlockBytes);
    auto const got = ::pread(in.get(), block.data(), block.size(), static_cast<off_t>(image.blocks * kBlockBytes));
    if (got < 0) return fail_os("read an image");
    if (static_cast<std::size_t>(got) != block.size()) return fail(Fault::denied, "the image is not the one that was signed");
    auto const salt = OCU_TRY(crypto::from_hex(image.salt));
    crypto::Sha256 hash;
    hash.update(std::as_bytes(std::span(salt))).update(std::span<std::byte const>(block));
    if (crypto::to_hex(hash.finish()) != image.root_hash) return fail(Fault::denied, "the image is not the one that was signed");
    return {};
}

Result<std::string> make_verity_device(std::string const& name, std::string const& file, VerityImage const& image)
{
    auto const loop = OCU_TRY(make_loop_device(file));
    UniqueFd const control(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!control) return fail_os("open device-mapper control");
    auto const number = OCU_TRY(create(control.get(), name));
    if (auto loaded = load(control.get(), name, image.blocks * kSectorsPerBlock, verity_table(loop, image)); !loaded) {
        auto removal = request_for(name, 0);
        (void)::ioctl(control.get(), DM_DEV_REMOVE, &removal);
        return std::unexpected(loaded.error());
    }
    return "/dev/dm-" + std::to_string(number);
}

Result<std::uint64_t> read_whole_device(std::string const& device)
{
    UniqueFd const in(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
    if (!in) return fail_os("open a verity device");
    std::vector<std::byte> buffer(kReadBytes);
    std::uint64_t all = 0;
    for (;;) {
        auto const got = ::read(in.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("read a verity device");
        if (got == 0) return all;
        all += static_cast<std::uint64_t>(got);
    }
}

}  // namespace ocu::init
