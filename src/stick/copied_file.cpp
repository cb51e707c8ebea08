// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/copied_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <span>
#include <vector>

#include "base/crypto/crypto.h"
#include "stick/beneath.h"
#include "stick/limits.h"

namespace ocu::stick {

namespace {

using proto::StickRefusal;

bool write_all(int file, std::span<std::byte const> bytes)
{
    while (!bytes.empty()) {
        ssize_t const done = ::write(file, bytes.data(), bytes.size());
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
    return true;
}

}  // namespace

std::expected<std::uint64_t, StickRefusal> copy_file(int root, std::string const& name, std::string_view sha256, int into)
{
    auto const file = open_beneath(root, ("mounts/" + name + ".erofs").c_str(), O_RDONLY);
    if (!file) return std::unexpected(errno == ENOENT ? StickRefusal::no_file : StickRefusal::unreadable);
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::unexpected(StickRefusal::unreadable);
    if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > proto::kCopiedFileBytesMax)
        return std::unexpected(StickRefusal::too_large);
    crypto::Sha256 hash;
    std::vector<std::byte> buffer(kCopiedAtOnce);
    for (std::uint64_t copied = 0;;) {
        ssize_t const got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(StickRefusal::unreadable);
        if (got == 0 && crypto::to_hex(hash.finish()) != sha256) return std::unexpected(StickRefusal::other_file);
        if (got == 0) return copied;
        auto const bytes = std::span<std::byte const>(buffer).first(static_cast<std::size_t>(got));
        copied += bytes.size();
        if (copied > proto::kCopiedFileBytesMax) return std::unexpected(StickRefusal::too_large);
        if (!write_all(into, bytes)) return std::unexpected(StickRefusal::no_room);
        hash.update(bytes);
    }
}

}  // namespace ocu::stick
