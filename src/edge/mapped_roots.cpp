// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/mapped_roots.h"

#include <sys/mman.h>
#include <sys/stat.h>

namespace ocu::edge {

namespace {

constexpr std::size_t kRootsBytesMax = 4u << 20;

}  // namespace

Result<std::string_view> map_roots(int fd)
{
    struct stat about{};
    if (::fstat(fd, &about) != 0) return fail_os("look at the roots");
    auto const size = static_cast<std::size_t>(about.st_size);
    if (size == 0) return std::string_view();
    if (size > kRootsBytesMax) return fail(Fault::over_limit, "too many roots");
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return fail_os("map the roots");
    return std::string_view(static_cast<char const*>(at), size);
}

}  // namespace ocu::edge
