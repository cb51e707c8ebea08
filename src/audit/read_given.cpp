// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/read_given.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace ocu::audit {

Result<std::string> read_given(int file, std::size_t bytes_max)
{
    struct stat status{};
    if (::fstat(file, &status) != 0) return fail_os("look at a file that was handed over");
    if (status.st_size < 0 || std::cmp_greater(status.st_size, bytes_max)) return fail(Fault::malformed, "a file of an impossible size was handed over");
    return read_front(file, static_cast<std::size_t>(status.st_size));
}

Result<std::string> read_front(int file, std::size_t bytes)
{
    std::string out(bytes, '\0');
    auto const got = ::pread(file, out.data(), out.size(), 0);
    if (got < 0) return fail_os("read a file that was handed over");
    if (std::cmp_not_equal(got, bytes)) return fail(Fault::malformed, "a file that was handed over is too short");
    return out;
}

}  // namespace ocu::audit
