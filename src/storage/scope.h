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
// How a file's mode lies in the store. The broker must be able to open every file however its guest has closed it (who may open is the
// kernel's decision, on the mode that is shown), so the owner's bits stay on; the sticky bit, which means nothing on a file, stands for
// "the guest's owner may not write", set-group-id for "may not read".
mode_t stored_file_mode(mode_t mode);
mode_t shown_file_mode(mode_t stored);

}  // namespace ocu::storage
