// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace ocu::audit {

namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0750;

struct CloseDirectory {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

std::unexpected<Error> fail_at(Literal what) { return errno == ENOENT ? fail(Fault::not_found, what) : fail_os(what); }

}  // namespace

Result<UniqueFd> SystemDisk::open(int directory, std::string const& path, Open how)
{
    int flags = O_CLOEXEC | O_NOFOLLOW;
    switch (how) {
    case Open::existing_to_read: flags |= O_RDONLY; break;
    case Open::existing_to_write: flags |= O_RDWR; break;
    case Open::new_file: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
    }
    UniqueFd file(::openat(directory, path.c_str(), flags, kFileMode));
    if (!file) return fail_at("open a file of the log");
    return file;
}

Result<void> SystemDisk::write(int file, std::string_view bytes, std::uint64_t offset)
{
    while (!bytes.empty()) {
        ssize_t const wrote = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return fail_os("write to the log");
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
        offset += static_cast<std::uint64_t>(wrote);
    }
    return {};
}

Result<void> SystemDisk::sync(int file)
{
    if (::fdatasync(file) != 0) return fail_os("sync the log");
    return {};
}

Result<void> SystemDisk::rename(int directory, std::string const& from, std::string const& to)
{
    if (::renameat(directory, from.c_str(), directory, to.c_str()) != 0) return fail_at("rename a file of the log");
    return {};
}

Result<void> SystemDisk::sync_folder(int directory, std::string const& path)
{
    UniqueFd folder(::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder) return fail_at("open a folder of the log");
    if (::fsync(folder.get()) != 0) return fail_os("sync a folder of the log");
    return {};
}

Result<void> SystemDisk::make_folder(int directory, std::string const& path)
{
    if (::mkdirat(directory, path.c_str(), kFolderMode) != 0 && errno != EEXIST) return fail_at("make a folder of the log");
    return {};
}

Result<void> SystemDisk::remove_folder(int directory, std::string const& path)
{
    auto const names = list(directory, path);
    if (!names && names.error().fault == Fault::not_found) return {};
    if (!names) return std::unexpected(names.error());
    for (auto const& name : *names)
        if (::unlinkat(directory, (path + "/" + name).c_str(), 0) != 0) return fail_os("remove a partial tile");
    if (::unlinkat(directory, path.c_str(), AT_REMOVEDIR) != 0) return fail_os("remove a folder of partial tiles");
    return {};
}

Result<void> SystemDisk::remove_file(int directory, std::string const& path)
{
    if (::unlinkat(directory, path.c_str(), 0) != 0 && errno != ENOENT) return fail_os("remove a file of the log");
    return {};
}

Result<std::vector<std::string>> SystemDisk::list(int directory, std::string const& path)
{
    UniqueFd folder(::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder) return fail_at("open a folder of the log");
    std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(folder.get()));
    if (!stream) return fail_os("list a folder of the log");
    (void)folder.release();  // the stream owns it now
    std::vector<std::string> names;
    errno = 0;
    while (dirent const* const entry = ::readdir(stream.get())) {
        std::string_view const name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return fail_os("list a folder of the log");
    std::ranges::sort(names);
    return names;
}

Result<std::string> SystemDisk::read_file(int directory, std::string const& path, std::size_t bytes_max)
{
    auto const file = OCU_TRY(open(directory, path, Open::existing_to_read));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return fail_os("look at a file of the log");
    if (!S_ISREG(status.st_mode)) return fail(Fault::malformed, "not a plain file");
    auto const size = static_cast<std::size_t>(status.st_size);
    if (size > bytes_max) return fail(Fault::over_limit, "file of the log is too large");
    std::string bytes(size, '\0');
    std::size_t at = 0;
    while (at < size) {
        ssize_t const got = ::pread(file.get(), bytes.data() + at, size - at, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os("read a file of the log");
        if (got == 0) break;
        at += static_cast<std::size_t>(got);
    }
    bytes.resize(at);
    return bytes;
}

Result<void> replace_file(Disk& disk, int directory, std::string const& path, std::string_view bytes)
{
    std::string const temporary = "tmp/derived";
    {
        auto const file = OCU_TRY(disk.open(directory, temporary, Open::new_file));
        OCU_CHECK(disk.write(file.get(), bytes, 0));
        OCU_CHECK(disk.sync(file.get()));
    }
    auto moved = disk.rename(directory, temporary, path);
    if (moved || moved.error().fault != Fault::not_found) return moved;
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
        OCU_CHECK(disk.make_folder(directory, path.substr(0, slash)));
    return disk.rename(directory, temporary, path);
}

}  // namespace ocu::audit
