// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/boot_medium.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>
#include <thread>

#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr std::string_view kVolumeId = "OCU_APPLIANCE";
constexpr std::size_t kVolumeIdOffset = 40;
constexpr std::size_t kVolumeIdBytes = 32;
constexpr std::size_t kDevicesMax = 4096;
constexpr std::chrono::milliseconds kLookEvery{200};

bool carries_our_volume(std::string const& device)
{
    UniqueFd const in(::open(("/dev/" + device).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!in) return false;
    std::array<std::byte, kVolumeDescriptorBytes> descriptor{};
    auto const got = ::pread(in.get(), descriptor.data(), descriptor.size(), kVolumeDescriptorOffset);
    return got == static_cast<ssize_t>(descriptor.size()) && is_our_volume(descriptor);
}

}  // namespace

//   0    1          6          8        40               72
//   ┌────┬──────────┬─────────┬────────┬────────────────┬─ ...
//   │ 1  │ "CD001"  │ version │ system │ volume id      │
//   └────┴──────────┴─────────┴────────┴────────────────┴─ ...      padded with blanks
bool is_our_volume(std::span<std::byte const> descriptor)
{
    if (descriptor.size() != kVolumeDescriptorBytes) return false;
    constexpr std::string_view kStart("\1CD001\1", 7);
    std::string_view const text(reinterpret_cast<char const*>(descriptor.data()), descriptor.size());
    if (!text.starts_with(kStart)) return false;
    auto const id = text.substr(kVolumeIdOffset, kVolumeIdBytes);
    return id.starts_with(kVolumeId) && std::ranges::all_of(id.substr(kVolumeId.size()), [](char c) { return c == ' '; });
}

bool may_be_medium(std::string_view device)
{
    constexpr std::string_view kMadeFromOthers[] = {"loop", "dm-", "ram", "zram", "md", "nbd"};
    return std::ranges::none_of(kMadeFromOthers, [device](std::string_view each) { return device.starts_with(each); });
}

std::vector<std::string> block_devices()
{
    std::vector<std::string> names;
    std::unique_ptr<DIR, int (*)(DIR*)> const folder(::opendir("/sys/class/block"), ::closedir);
    while (folder && names.size() < kDevicesMax) {
        auto const* const entry = ::readdir(folder.get());
        if (entry == nullptr) break;
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    std::ranges::sort(names);
    return names;
}

Result<std::string> find_boot_medium(std::chrono::seconds patience, std::function<bool(std::string const& device)> const& accepted)
{
    auto const end = std::chrono::steady_clock::now() + patience;
    std::set<std::string> refused;
    for (;;) {
        auto const devices = block_devices();
        std::erase_if(refused, [&](std::string const& each) { return !std::ranges::binary_search(devices, each); });
        for (auto const& device : devices) {
            if (!may_be_medium(device) || refused.contains(device) || !carries_our_volume(device)) continue;
            if (accepted(device)) return device;
            refused.insert(device);
        }
        if (std::chrono::steady_clock::now() >= end) return fail(Fault::not_found, "no boot medium: no volume OCU_APPLIANCE was found");
        std::this_thread::sleep_for(kLookEvery);
    }
}

}  // namespace ocu::init
