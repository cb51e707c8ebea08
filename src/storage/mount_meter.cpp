// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/mount_meter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace ocu::storage {

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

Result<UniqueFd> MountMeter::make_page()
{
    UniqueFd page(::memfd_create("mount-meter", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!page) return fail_os("make a meter's page");
    if (::ftruncate(page.get(), kPageBytes) != 0) return fail_os("size a meter's page");
    if (::fcntl(page.get(), F_ADD_SEALS, kSeals) != 0) return fail_os("seal a meter's page");
    return page;
}

Result<MountMeter> MountMeter::map(int page, Side side)
{
    struct stat status{};
    if (::fstat(page, &status) != 0) return fail_os("look at a meter's page");
    int const seals = ::fcntl(page, F_GET_SEALS);
    bool const fixed = seals >= 0 && (seals & kSeals) == kSeals;
    if (!fixed || static_cast<std::size_t>(status.st_size) != kPageBytes) return fail(Fault::malformed, "no meter's page");
    int const access = side == Side::counts ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const at = ::mmap(nullptr, kPageBytes, access, MAP_SHARED, page, 0);
    if (at == MAP_FAILED) return fail_os("map a meter's page");
    return MountMeter(static_cast<Count*>(at));
}

MountMeter::~MountMeter()
{
    if (counts_ != nullptr) ::munmap(counts_, kPageBytes);
}

MountMeter::MountMeter(MountMeter&& other) noexcept : counts_(std::exchange(other.counts_, nullptr)) {}

MountMeter& MountMeter::operator=(MountMeter&& other) noexcept
{
    std::swap(counts_, other.counts_);
    return *this;
}

MountBytes MountMeter::bytes() const
{
    if (counts_ == nullptr) return {};
    return {counts_[0].load(std::memory_order_relaxed), counts_[1].load(std::memory_order_relaxed)};
}

}  // namespace ocu::storage
