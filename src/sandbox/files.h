// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Small whole files, read and written by the launcher in directories that only root may write.

#include <string>
#include <string_view>

#include "base/result.h"

namespace ocu::sandbox {

// At most `bytes_max` of the file; empty when it cannot be read.
std::string read_text(std::string const& path, std::size_t bytes_max);
// The same of an open file.
std::string read_text(int file, std::size_t bytes_max);
// One write into a file that exists (cgroup and sysctl files). Errors: os.
Result<void> write_existing(std::string const& path, std::string_view text);
// Replaces the file; `mode` is exact, whatever the umask. Errors: os.
Result<void> write_new(std::string const& path, std::string_view text, unsigned mode);
// The directory exists afterwards with exactly this mode. Errors: os.
Result<void> make_directory(std::string const& path, unsigned mode);
// Printable bytes of the file's end, for a log line: nothing in it can forge another line.
std::string printable_tail(std::string const& path, std::size_t bytes_max);

}  // namespace ocu::sandbox
