// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which names exist on a mount and which of its two halves may be written. Pure; asked before any system call, on every operation.
//
//   threats   T-08 path tricks on the mount

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "storage/answer.h"

namespace ocu::storage {

enum class Area : std::uint8_t {
    top,      // the mount's root: shows the other two and nothing else
    uploads,  // read-only for the guest
    outputs,  // read-write
};

// 0, or the errno of the refusal: EINVAL for what can name no file (empty, '/', NUL), EPERM for "." and "..", ENAMETOOLONG.
int name_fault(std::string_view name);
// 0, or EROFS: a guest writes outputs alone; the files face uploads as well.
int write_fault(Face face, Area area);
// 0, or EPERM for devices, fifos and sockets: a mount holds files, directories and links only.
int kind_fault(mode_t mode);
// A link's text is the guest's to choose: it is resolved in the guest, never here. 0, or the errno for what the kernel could not store.
int link_target_fault(std::string_view target);
// What is kept of a mode that a guest asks for: no set-user-id, no set-group-id.
mode_t file_mode(mode_t mode);
mode_t directory_mode(mode_t mode);
// Extended attributes: 0; EOPNOTSUPP for a namespace that is not kept (a guest's are `user.`, the files face has `ocu.` besides); ERANGE for a
// name or EINVAL for one that is empty behind its namespace.
int attribute_name_fault(Face face, std::string_view name);

}  // namespace ocu::storage
