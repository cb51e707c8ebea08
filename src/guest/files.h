// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The few things that the file tools do to the file system.

#include <sys/stat.h>

#include <string>

#include "base/unique_fd.h"
#include "guest/file_tool.h"

namespace ocu::guest {

// Reads until `bytes_max` or the end. Errors: os.
Result<std::string> read_up_to(int fd, std::size_t bytes_max);
Result<void> write_all(int fd, std::string_view bytes);

// Directories above `path` that do not exist yet. Errors: os.
Result<void> make_parents(std::string const& path);

// Replaces the file's bytes: a new file under a temporary name takes its place, so that a reader sees the old or the new one. Where that
// would lose something (other hard links) or is not possible (no right to the directory) the file is overwritten in place.
// `before` is the file as it was, or nothing: a new one gets 0644. Errors: os.
Result<void> replace_file(std::string const& path, struct stat const* before, std::string_view bytes);

// The path itself, or what the chain of symbolic links ends in, whether that exists or not.
std::string resolve_links(std::string path);

}  // namespace ocu::guest
