// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/scope.h"

#include <sys/stat.h>

#include <cerrno>

#include "storage/limits.h"

namespace ocu::storage {

int name_fault(std::string_view name)
{
    if (name.size() > kNameBytesMax) return ENAMETOOLONG;
    if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos) return EINVAL;
    if (name == "." || name == "..") return EPERM;
    return 0;
}

int write_fault(Face face, Area area)
{
    if (area == Area::outputs) return 0;
    return area == Area::uploads && face == Face::files ? 0 : EROFS;
}

int kind_fault(mode_t mode)
{
    auto const kind = mode & S_IFMT;
    return kind == S_IFREG || kind == 0 || kind == S_IFDIR || kind == S_IFLNK ? 0 : EPERM;
}

int link_target_fault(std::string_view target)
{
    if (target.empty()) return ENOENT;
    return target.size() > kLinkTargetBytesMax ? ENAMETOOLONG : 0;
}

mode_t file_mode(mode_t mode) { return mode & 0777; }

mode_t stored_file_mode(mode_t mode)
{
    mode_t const closed_write = (mode & S_IWUSR) == 0 ? S_ISVTX : 0;
    mode_t const closed_read = (mode & S_IRUSR) == 0 ? S_ISGID : 0;
    return file_mode(mode) | S_IRUSR | S_IWUSR | closed_write | closed_read;
}

mode_t shown_file_mode(mode_t stored)
{
    mode_t const closed_write = (stored & S_ISVTX) != 0 ? S_IWUSR : 0;
    mode_t const closed_read = (stored & S_ISGID) != 0 ? S_IRUSR : 0;
    return file_mode(stored) & ~(closed_write | closed_read);
}

mode_t directory_mode(mode_t mode) { return mode & 01777; }

}  // namespace ocu::storage
