// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest/files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace ocu::guest {

namespace {

constexpr int kLinksMax = 40;  // as the kernel

std::string parent_of(std::string const& path)
{
    auto const slash = path.find_last_not_of('/') == std::string::npos ? std::string::npos : path.rfind('/', path.find_last_not_of('/'));
    if (slash == std::string::npos) return {};
    return path.substr(0, slash + 1);
}

std::string temporary_name(std::string const& path)
{
    std::array<unsigned char, 8> random{};
    if (::getrandom(random.data(), random.size(), 0) < 0) random.fill(0);  // O_EXCL still keeps us from another's file
    constexpr char kDigits[] = "0123456789abcdef";
    std::string name = parent_of(path) + ".ocu-";
    for (unsigned char const each : random) name += {kDigits[each >> 4], kDigits[each & 15]};
    return name;
}

Result<void> overwrite(std::string const& path, std::string_view bytes)
{
    // O_NONBLOCK: should a FIFO have taken the name meanwhile, fail instead of waiting for a reader.
    UniqueFd const fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return fail_os("open");
    return write_all(fd.get(), bytes);
}

Result<void> write_new(int fd, mode_t mode, std::string_view bytes)
{
    OCU_CHECK(write_all(fd, bytes));
    if (::fchmod(fd, mode) != 0) return fail_os("chmod");
    return {};
}

}  // namespace

Result<std::string> read_up_to(int fd, std::size_t bytes_max)
{
    std::string bytes;
    std::size_t constexpr kStep = 256u << 10;
    while (bytes.size() < bytes_max) {
        std::size_t const old_size = bytes.size();
        bytes.resize(std::min(bytes_max, old_size + kStep));
        ssize_t const got = ::read(fd, bytes.data() + old_size, bytes.size() - old_size);
        bytes.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("read");
        if (got == 0) break;
    }
    return bytes;
}

Result<void> write_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        ssize_t const wrote = ::write(fd, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return fail_os("write");
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

Result<void> make_parents(std::string const& path)
{
    std::string const parent = parent_of(path);
    for (std::size_t at = 1; at < parent.size(); ++at) {
        if (parent[at] != '/' || parent[at - 1] == '/') continue;
        std::string const each = parent.substr(0, at);
        if (::mkdir(each.c_str(), 0755) == 0 || errno == EEXIST) continue;
        // A read-only or foreign ancestor that exists already is no obstacle, whatever errno the mount gives.
        int const why = errno;
        struct stat found{};
        if (::stat(each.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) continue;
        errno = why;
        return fail_os("mkdir");
    }
    return {};
}

Result<void> replace_file(std::string const& path, struct stat const* before, std::string_view bytes)
{
    if (before != nullptr && (before->st_nlink > 1 || before->st_uid != ::geteuid())) return overwrite(path, bytes);
    // Not being allowed to write the file is a refusal even where its directory would let us put another in its place.
    if (before != nullptr && ::access(path.c_str(), W_OK) != 0) return fail_os("open");
    mode_t const mode = before != nullptr ? before->st_mode & 07777 : 0644;
    std::string const temporary = temporary_name(path);
    UniqueFd const fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return before != nullptr && errno != ENOSPC ? overwrite(path, bytes) : fail_os("create");
    auto written = write_new(fd.get(), mode, bytes);
    if (written && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
    if (written) written = fail_os("rename");
    ::unlink(temporary.c_str());
    if (!written) errno = written.error().os_errno;
    return written;
}

std::string resolve_links(std::string path)
{
    for (int i = 0; i < kLinksMax; ++i) {
        std::array<char, proto::kPathBytesMax> target;
        ssize_t const size = ::readlink(path.c_str(), target.data(), target.size());
        if (size <= 0) return path;
        std::string const next(target.data(), static_cast<std::size_t>(size));
        path = next.front() == '/' ? next : parent_of(path) + next;
    }
    return path;
}

}  // namespace ocu::guest
