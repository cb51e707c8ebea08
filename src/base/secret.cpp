// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "base/assert.h"

namespace ocu {

void wipe(std::span<std::byte> memory)
{
    if (!memory.empty()) ::explicit_bzero(memory.data(), memory.size());
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), mapped_(std::exchange(other.mapped_, 0))
{}

Secret& Secret::operator=(Secret&& other) noexcept
{
    if (this == &other) return *this;
    destroy();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapped_ = std::exchange(other.mapped_, 0);
    return *this;
}

Secret::~Secret() { destroy(); }

void Secret::destroy()
{
    if (data_ == nullptr) return;
    wipe({data_, mapped_});
    ::munmap(data_, mapped_);
    data_ = nullptr;
    size_ = mapped_ = 0;
}

void Secret::shorten(std::size_t size)
{
    OCU_ASSERT(size <= size_);
    wipe(bytes().subspan(size));
    size_ = size;
}

Result<Secret> Secret::make(std::size_t size)
{
    // A mapping of its own: nothing else shares the page, so locking and MADV_DONTDUMP touch this secret alone.
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail_os("map memory for a secret");
    Secret secret;
    secret.data_ = static_cast<std::byte*>(memory);
    secret.size_ = secret.mapped_ = size;
    if (::mlock(memory, size) != 0) return fail_os("lock memory for a secret");
    if (::madvise(memory, size, MADV_DONTDUMP) != 0) return fail_os("keep a secret out of core files");
    return secret;
}

Result<Secret> Secret::copy_of(std::span<std::byte const> bytes)
{
    auto secret = OCU_TRY(make(bytes.size()));
    std::memcpy(secret.data_, bytes.data(), bytes.size());
    return secret;
}

bool equal_constant_time(std::span<std::byte const> left, std::span<std::byte const> right)
{
    if (left.size() != right.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i) difference |= std::to_integer<unsigned>(left[i] ^ right[i]);
    return difference == 0;
}

}  // namespace ocu
