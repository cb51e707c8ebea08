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

mode_t directory_mode(mode_t mode) { return mode & 01777; }

int attribute_name_fault(Face face, std::string_view name)
{
    constexpr std::string_view kGuests = "user.";
    constexpr std::string_view kOwn = "ocu.";
    auto const space = name.starts_with(kGuests) ? kGuests : face == Face::files && name.starts_with(kOwn) ? kOwn : std::string_view();
    if (space.empty()) return EOPNOTSUPP;
    if (name.size() > kAttributeNameBytesMax) return ERANGE;
    return name.size() == space.size() || name.find('\0') != name.npos ? EINVAL : 0;
}

}  // namespace ocu::storage
