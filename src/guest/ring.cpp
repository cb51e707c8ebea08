// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ocu::guest {

namespace {

off_t place_of(std::uint64_t position) { return static_cast<off_t>(position % kRingBytes); }

// Calls `part` with each stretch of the file that makes up `count` bytes from `from` on.
template <class Part>
void for_each_stretch(std::uint64_t from, std::size_t count, Part part)
{
    for (std::size_t done = 0; done < count;) {
        std::uint64_t const left_in_file = kRingBytes - (from + done) % kRingBytes;
        std::size_t const size = std::min<std::uint64_t>(count - done, left_in_file);
        part(done, size, place_of(from + done));
        done += size;
    }
}

}  // namespace

Result<Ring> Ring::make()
{
    UniqueFd file(static_cast<int>(::syscall(SYS_memfd_create, "terminal", MFD_CLOEXEC)));
    if (!file || ::ftruncate(file.get(), kRingBytes) != 0) return fail_os("a file for a terminal's output");
    return Ring(std::move(file));
}

void Ring::append(std::string_view bytes)
{
    auto const kept = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), kRingBytes));
    end_ += bytes.size() - kept.size();
    for_each_stretch(end_, kept.size(), [&](std::size_t done, std::size_t size, off_t place) {
        while (::pwrite(file_.get(), kept.data() + done, size, place) < 0 && errno == EINTR) {
        }
    });
    end_ += kept.size();
}

std::string Ring::read(std::uint64_t from, std::size_t count) const
{
    std::string bytes(count, '\0');
    for_each_stretch(from, count, [&](std::size_t done, std::size_t size, off_t place) {
        while (::pread(file_.get(), bytes.data() + done, size, place) < 0 && errno == EINTR) {
        }
    });
    return bytes;
}

}  // namespace ocu::guest
