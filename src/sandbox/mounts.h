// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the launcher mounts: the guest image once, and for each slot the FUSE mount, the image with the slot's ids, and the guest's
// network namespace. All of it in the core's private mount namespace. Taking away is idempotent: what is not there is gone.

#include <string>

#include "base/unique_fd.h"

namespace ocu::sandbox {

// `source` is an EROFS file (mounted as such, or through a loop device that frees itself on kernels before 6.12) or a directory.
// Read-only, nosuid, nodev. Errors: os.
Result<void> mount_image(std::string const& source, std::string const& target);

// An EROFS file that is open, the same way. Its name need not be known, and another file in its place changes nothing.
Result<void> mount_image_file(int file, std::string const& target);

// Mounts a fresh FUSE connection and returns it. Whoever serves it decides what is there; the kernel checks permissions itself. Errors: os.
Result<UniqueFd> mount_files(std::string const& target);

// A user namespace in which ids 0..65535 are `host_id`... outside: what an id-mapped mount is described with. Errors: os.
Result<UniqueFd> make_id_map(std::uint32_t host_id);

// The image again, at `target`, with its owners seen through the map: root's files are the guest root's. Errors: os.
Result<void> mount_mapped(std::string const& image, std::string const& target, int id_map);

// Gives a namespace a path, so that a runtime can be told of it. Errors: os.
Result<void> bind_namespace(int descriptor, std::string const& target);

// Aborts a FUSE connection even if its server hangs, so that nothing in the guest waits on it and can be killed (T-17). Leaves the
// mount away. True when nothing is mounted there any more.
bool abort_and_unmount(std::string const& target);
bool unmount(std::string const& target);

}  // namespace ocu::sandbox
